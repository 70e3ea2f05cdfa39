import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { namedLibraries } from "../../omnetpp/named-files.ts";
import { parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import type { SlotTree } from "../tree/slot-tree.ts";
import { areStateless } from "./stateless.ts";

/** A batch saves the starts of processes. It keeps the answer of its first run until its end: not for longer than this… */
const BATCH_MS = 1000;
/** …or than this, where the user wants batches. */
const WANTED_BATCH_MS = 5000;
/** One of its runs may take much longer than the others: so many times as long as a batch may last it is ended. */
const PATIENCE = 10;
/** So many batches are left for each slot when one is cut, lest one runner be the last to end. */
const BATCHES_LEFT = 2;
/** From here on each run of a batch has a simulation of its own inside the process; before, the clock's last state stays. */
const FIRST_OMNETPP = 7;
const KNOWN_CAMPAIGNS = 100;

/** Equal for campaigns whose runs do the same. */
function nameOf({ identity, id, config, batchSize }: Campaign): string {
  return [identity ?? id, config, batchSize].join(" ");
}

interface Known {
  /** Wall time of a run, the start of a process included; of late ones more than of early ones. */
  runMs: number;
  mayBatch: boolean;
}

/**
 * Says how many runs of a campaign are made in one process. Only short ones are made together, and only where
 * nothing carries over from one to the next: the user says so (`--batch-size`), or his program shows it.
 */
export class Batches {
  readonly #concurrency: number;
  readonly #campaigns = new Map<string, Known>();

  /** @param concurrency how many runs are made at once here. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /**
   * Runs of a campaign have been made here in so much time each.
   * @returns when it is known what kind of program they have; nobody has to wait for that.
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
    fresh.mayBatch = await carriesNothing(campaign, tree).catch(() => false); // without the programs that tell
  }

  /** The runs of this campaign cannot be told apart when they are made in one process, or do not end well there. */
  forbid(campaign: Campaign): void {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known !== undefined) known.mayBatch = false;
  }

  /** How many runs the next process makes, when so many others wait; 1 as long as nothing is known. */
  size(campaign: Campaign, waiting: number): number {
    const known = this.#campaigns.get(nameOf(campaign));
    if (known?.mayBatch !== true || campaign.mapsPaths || campaign.asksOutputFile) return 1;
    const fair = Math.ceil((waiting + 1) / (this.#concurrency * BATCHES_LEFT));
    const short = Math.floor(longest(campaign) / Math.max(1, known.runMs));
    return Math.max(1, Math.min(fair, campaign.batchSize ?? Infinity, short));
  }

  /** Wall-clock limit of a batch. */
  timeoutMs(campaign: Campaign): number {
    return Math.min(longest(campaign) * PATIENCE, campaign.timeoutMs ?? Infinity);
  }
}

function longest({ batchSize }: Campaign): number {
  return batchSize === undefined ? BATCH_MS : WANTED_BATCH_MS;
}

/** Whether all that is loaded beside OMNeT++ was built from the project itself, and is stateless. */
async function carriesNothing(campaign: Campaign, tree: SlotTree): Promise<boolean> {
  const { omnetpp, arguments: args } = campaign;
  const foreign = tree.dependencies.length > 0 || namedLibraries(parseSimulationArguments(args)).length > 0;
  if (foreign || Number.parseInt(omnetpp.version) < FIRST_OMNETPP) return false;
  const files = tree.manifest.products.map((file) => path.join(tree.root, file));
  return await areStateless(files, process.env);
}
