import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { namedLibraries } from "../../omnetpp/named-files.ts";
import { parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import type { SlotTree } from "../tree/slot-tree.ts";
import { areStateless } from "./stateless.ts";

/** Planned duration of a batch. It is short because the first run is reported only when the whole batch has ended. */
const BATCH_MS = 1000;
/** Planned duration of a batch if the user asked for batches. */
const WANTED_BATCH_MS = 5000;
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
  /** Moving average of the wall time of a run, including process start-up. */
  runMs: number;
  mayBatch: boolean;
}

/**
 * Decides how many runs of a campaign are executed in one process. Only short runs are batched, and only if
 * no state carries over from one run to the next: either the user asked for batches (`--batch-size`), or the
 * program is stateless.
 */
export class Batches {
  readonly #concurrency: number;
  readonly #campaigns = new Map<string, Known>();

  /** @param concurrency number of runs that this runner executes concurrently. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /**
   * Records how long a run of a campaign took, and examines the program when the campaign is new.
   * Callers need not wait: until the program has been examined, runs are executed one by one.
   * @param runMs wall time.
   */
  async learn(campaign: Campaign, tree: SlotTree, runMs: number): Promise<void> {
    const name = nameOf(campaign);
    const known = this.#campaigns.get(name);
    if (known !== undefined) {
      known.runMs = (known.runMs + runMs) / 2;
      return;
    }
    if (this.#campaigns.size >= KNOWN_CAMPAIGNS) this.#campaigns.clear();
    const fresh: Known = { runMs, mayBatch: (campaign.batchSize ?? 1) > 1 };
    this.#campaigns.set(name, fresh);
    if (campaign.batchSize !== undefined) return;
    fresh.mayBatch = await isStateless(campaign, tree).catch(() => false); // binutils are not installed
  }

  /** Excludes a campaign from batching: its runs failed in a batch, or their outputs could not be separated. */
  forbid(campaign: Campaign): void {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known !== undefined) known.mayBatch = false;
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
    const inPlannedTime = Math.floor(plannedMs(campaign) / Math.max(1, known.runMs));
    return Math.max(1, Math.min(fairShare, campaign.batchSize ?? Infinity, inPlannedTime));
  }

  /** Returns the wall-clock limit of a batch. */
  timeoutMs(campaign: Campaign): number {
    return Math.min(plannedMs(campaign) * TIMEOUT_FACTOR, campaign.timeoutMs ?? Infinity);
  }
}

function plannedMs({ batchSize }: Campaign): number {
  return batchSize === undefined ? BATCH_MS : WANTED_BATCH_MS;
}

/** Returns whether everything loaded besides OMNeT++ was built from the project itself and is stateless. */
async function isStateless(campaign: Campaign, tree: SlotTree): Promise<boolean> {
  const { omnetpp, arguments: args } = campaign;
  const foreign = tree.dependencies.length > 0 || namedLibraries(parseSimulationArguments(args)).length > 0;
  if (foreign || Number.parseInt(omnetpp.version) < FIRST_OMNETPP) return false;
  const files = tree.manifest.products.map((file) => path.join(tree.root, file));
  return await areStateless(files, process.env);
}
