import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { namedLibraries } from "../../omnetpp/named-files.ts";
import { parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import type { SlotTree } from "../tree/slot-tree.ts";
import { runEnvironment } from "./command.ts";
import type { ForkLibrary } from "./forking.ts";
import { areStateless } from "./stateless.ts";

/** Planned duration of a batch whose start is not shared. It is short because runs are reported when the batch has ended. */
const BATCH_MS = 1000;
/** Planned duration of a batch if the user asked for batches. */
const WANTED_BATCH_MS = 5000;
/** Longest planned duration of a batch whose runs are executed in copies of one process. */
const LONGEST_BATCH_MS = 10_000;
/** What a process costs in addition to its own start: a working tree is prepared and searched for what has changed. */
const PROCESS_MS = 20;
/** Runs are batched if their start is at least this share of a run, and so many that this much less is left of it. */
const WORTHWHILE = 0.03;
const NEGLIGIBLE = 0.01;
/**
 * A batch is stopped after this multiple of its planned duration, because one run may take much longer than
 * the others.
 */
const TIMEOUT_FACTOR = 10;
/** A batch may have this many times as many runs as those before. */
const GROWTH = 4;
/** Minimum number of batches that remain for each slot, so that no runner finishes long after the others. */
const BATCHES_LEFT = 2;
/** First OMNeT++ in which each run of a process has its own simulation object. In earlier ones state carries over. */
const FIRST_OMNETPP = 7;
const KNOWN_CAMPAIGNS = 100;

/** Returns a name that is equal for campaigns with the same runs. */
function nameOf({ identity, id, config, batchSize }: Campaign): string {
  return [identity ?? id, config, batchSize].join(" ");
}

/** Wall times of a process that executed runs. */
export interface ProcessTimes {
  /** Time until its first run began. */
  startMs: number;
  /** Average time of a run after that. */
  runMs: number;
}

/** What is known about a campaign; its times are moving averages. */
interface Known extends ProcessTimes {
  mayBatch: boolean;
  /** Maximum number of runs in a batch: the first runs may have been much shorter than others. */
  most: number;
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
   * Records how long a process took that executed runs of a campaign, and examines the program when the campaign is new.
   * Callers need not wait: until the program has been examined, runs are executed one by one.
   * @param times those of the process.
   * @param runs number of runs that it executed.
   */
  async learn(campaign: Campaign, tree: SlotTree, times: ProcessTimes, runs = 1): Promise<void> {
    const name = nameOf(campaign);
    const known = this.#campaigns.get(name);
    if (known !== undefined) {
      known.runMs = (known.runMs + times.runMs) / 2;
      known.startMs = (known.startMs + times.startMs) / 2;
      known.most = Math.max(known.most, GROWTH * runs);
      return;
    }
    if (this.#campaigns.size >= KNOWN_CAMPAIGNS) this.#campaigns.clear();
    const fresh: Known = { ...times, mayBatch: false, most: GROWTH };
    this.#campaigns.set(name, fresh);
    if (campaign.batchSize === 1) return;
    fresh.forkLibrary = await this.#forkLibrary(campaign, tree).catch(() => undefined); // each run reports the reason
    const isWanted = campaign.batchSize !== undefined || fresh.forkLibrary !== undefined;
    fresh.mayBatch = isWanted || (await isStateless(campaign, tree).catch(() => false)); // binutils are not installed
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
   * @param slots number of runs that the whole swarm executes concurrently, as far as it is known.
   */
  size(campaign: Campaign, waiting: number, slots = this.#concurrency): number {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known?.mayBatch !== true || campaign.mapsPaths || campaign.asksOutputFile) return 1;
    const waitingHere = Math.min(waiting + 1, campaign.concurrency ?? Infinity);
    const fairShare = Math.ceil(waitingHere / (slots * BATCHES_LEFT));
    return Math.max(1, Math.min(fairShare, campaign.batchSize ?? Infinity, worthwhileSize(campaign, known)));
  }

  /** Returns the wall-clock limit of a batch. */
  timeoutMs(campaign: Campaign, runs: number): number {
    const known = this.#campaigns.get(nameOf(campaign));
    const expected = known === undefined ? 0 : known.startMs + runs * known.runMs;
    const planned = Math.min(Math.max(expected, BATCH_MS), plannedMs(campaign, known));
    return Math.min(planned * TIMEOUT_FACTOR, campaign.timeoutMs ?? Infinity);
  }

  async #forkLibrary(campaign: Campaign, tree: SlotTree): Promise<string | undefined> {
    const { mode, program } = campaign;
    const own = program.kind === "project" ? path.join(tree.root, program.path) : undefined;
    return await this.#forking.find(mode, await runEnvironment(tree, campaign), own);
  }
}

/** Returns how many runs should share a process, whatever is waiting. */
function worthwhileSize(campaign: Campaign, known: Known): number {
  const { startMs, forkLibrary } = known;
  const runMs = Math.max(1, known.runMs);
  const inPlannedTime = Math.floor(plannedMs(campaign, known) / runMs);
  if (forkLibrary === undefined || campaign.batchSize !== undefined) return inPlannedTime;
  const share = (startMs + PROCESS_MS) / runMs;
  return share < WORTHWHILE ? 1 : Math.min(inPlannedTime, known.most, Math.ceil(share / NEGLIGIBLE));
}

/** Returns how long a batch may take as planned: less than a single run may take at most. */
function plannedMs({ batchSize, timeoutMs }: Campaign, known: Known | undefined): number {
  const usual = known?.forkLibrary === undefined ? BATCH_MS : LONGEST_BATCH_MS;
  const planned = batchSize === undefined ? usual : WANTED_BATCH_MS;
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
