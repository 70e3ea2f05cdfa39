import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { namedLibraries } from "../../omnetpp/named-files.ts";
import { parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import type { SlotTree } from "../tree/slot-tree.ts";
import { runEnvironment } from "./command.ts";
import type { ForkLibrary } from "./forking.ts";
import { areStateless } from "./stateless.ts";

/** Planned duration of a batch. It is short because the first run is reported only when the whole batch has ended. */
const BATCH_MS = 1000;
/** Planned duration of a batch if the user asked for batches, and the longest one. */
const LONG_BATCH_MS = 5000;
/** Planned duration of a batch as a multiple of the time that its process needs to start. */
const START_FACTOR = 4;
/** Runs up to this duration are tried in a batch of two if it is not known how much of it is the start of the process. */
const TRIED_MS = 2000;
/**
 * A batch is stopped after this multiple of its planned duration, because one run may take much longer than
 * the others.
 */
const TIMEOUT_FACTOR = 10;
/** Minimum number of batches that remain for each slot, so that no runner finishes long after the others. */
const BATCHES_LEFT = 2;
/** First OMNeT++ in which each run of a process has its own simulation object. In earlier ones state carries over. */
const FIRST_OMNETPP = 7;
const KNOWN_CAMPAIGNS = 100;

/** Returns a name that is equal for campaigns with the same runs. */
function nameOf({ identity, id, config, batchSize }: Campaign): string {
  return [identity ?? id, config, batchSize].join(" ");
}

interface Known {
  /** Moving average of the wall time of a run; without the start of the process, if that is known. */
  runMs: number;
  /** Time that a process takes to start, until its first run begins. */
  startMs?: number;
  mayBatch: boolean;
  /** The library with which each run of a process is executed in a copy of it. */
  forkLibrary?: string | undefined;
}

/**
 * Decides how many runs of a campaign are executed in one process. Only short runs are batched, and only if
 * no state carries over from one run to the next: each is executed in a copy of the process that has only started, or
 * the program is stateless, or the user asked for batches (`--batch-size`).
 */
export class Batches {
  readonly #concurrency: number;
  readonly #forking: Pick<ForkLibrary, "find">;
  readonly #campaigns = new Map<string, Known>();

  /** @param concurrency number of runs that this runner executes concurrently. */
  constructor(concurrency: number, forking: Pick<ForkLibrary, "find">) {
    this.#concurrency = concurrency;
    this.#forking = forking;
  }

  /**
   * Records how long a run of a campaign took in a process of its own, and examines the program when the campaign is new.
   * Callers need not wait: until the program has been examined, runs are executed one by one.
   * @param wallMs with the start of the process.
   */
  async learn(campaign: Campaign, tree: SlotTree, wallMs: number): Promise<void> {
    const name = nameOf(campaign);
    const known = this.#campaigns.get(name);
    if (known !== undefined) {
      known.runMs = (known.runMs + wallMs - (known.startMs ?? 0)) / 2;
      return;
    }
    if (this.#campaigns.size >= KNOWN_CAMPAIGNS) this.#campaigns.clear();
    const fresh: Known = { runMs: wallMs, mayBatch: false };
    this.#campaigns.set(name, fresh);
    if (campaign.batchSize === 1) return;
    fresh.forkLibrary = await this.#forkLibrary(campaign, tree).catch(() => undefined); // each run reports the reason
    const isWanted = campaign.batchSize !== undefined || fresh.forkLibrary !== undefined;
    fresh.mayBatch = isWanted || (await isStateless(campaign, tree).catch(() => false)); // binutils are not installed
  }

  /**
   * Records how long the runs of a batch took.
   * @param runMs wall time of one run.
   * @param startMs time until the first one began; undefined if that was not measured and is part of `runMs`.
   */
  learnBatch(campaign: Campaign, runMs: number, startMs: number | undefined): void {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known === undefined) return;
    known.runMs = startMs !== undefined && known.startMs === undefined ? runMs : (known.runMs + runMs) / 2;
    if (startMs !== undefined) known.startMs = startMs;
  }

  /** Excludes a campaign from batching: its runs failed in a batch, or their outputs could not be separated. */
  forbid(campaign: Campaign): void {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known !== undefined) known.mayBatch = false;
  }

  /** Returns the library with which each run of a batch is executed in a copy of the process, if that is possible. */
  forkLibrary(campaign: Campaign): string | undefined {
    return this.#campaigns.get(nameOf(campaign))?.forkLibrary;
  }

  /**
   * Returns the number of runs for the next process; 1 as long as nothing is known about the campaign.
   * @param waiting number of other runs in the queue.
   */
  size(campaign: Campaign, waiting: number): number {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known?.mayBatch !== true || campaign.mapsPaths || campaign.asksOutputFile) return 1;
    const waitingHere = Math.min(waiting + 1, campaign.concurrency ?? Infinity);
    const fairShare = Math.ceil(waitingHere / (this.#concurrency * BATCHES_LEFT));
    const inPlannedTime = Math.floor(plannedMs(campaign, known) / Math.max(1, known.runMs));
    const isTried = known.forkLibrary !== undefined && known.startMs === undefined && known.runMs <= TRIED_MS;
    return Math.max(
      1,
      Math.min(fairShare, campaign.batchSize ?? Infinity, Math.max(inPlannedTime, isTried ? 2 : 1)),
    );
  }

  /** Returns the wall-clock limit of a batch. */
  timeoutMs(campaign: Campaign): number {
    const planned = plannedMs(campaign, this.#campaigns.get(nameOf(campaign)));
    return Math.min(planned * TIMEOUT_FACTOR, campaign.timeoutMs ?? Infinity);
  }

  async #forkLibrary(campaign: Campaign, tree: SlotTree): Promise<string | undefined> {
    return await this.#forking.find(campaign.mode, await runEnvironment(tree, campaign));
  }
}

/** Returns how long a batch should take; less than a single run may take. */
function plannedMs({ batchSize, timeoutMs }: Campaign, known: Known | undefined): number {
  const worthwhile = Math.max(BATCH_MS, START_FACTOR * (known?.startMs ?? 0));
  const planned = batchSize === undefined ? Math.min(worthwhile, LONG_BATCH_MS) : LONG_BATCH_MS;
  return Math.min(planned, timeoutMs === undefined ? Infinity : timeoutMs / 2);
}

/** Returns whether everything loaded besides OMNeT++ was built from the project itself and is stateless. */
async function isStateless(campaign: Campaign, tree: SlotTree): Promise<boolean> {
  const { omnetpp, arguments: args } = campaign;
  const foreign = tree.dependencies.length > 0 || namedLibraries(parseSimulationArguments(args)).length > 0;
  if (foreign || Number.parseInt(omnetpp.version) < FIRST_OMNETPP) return false;
  const files = tree.manifest.products.map((file) => path.join(tree.root, file));
  return await areStateless(files, process.env);
}
