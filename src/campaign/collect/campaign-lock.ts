import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import { makeFolders } from "../../system/files.ts";
import { acquireLock, LockedError } from "../../system/lock.ts";
import { refuseMissing, storing } from "./collect-run.ts";
import type { Study } from "./places.ts";

/** Another process is collecting a campaign. */
export class CollectedElsewhere extends UserError {
  override name = "CollectedElsewhere";
  readonly pid: number | undefined;
  /** Name of its machine, if that is not this one. */
  readonly machine: string | undefined;

  constructor(id: string, { pid, machine, hint, message }: LockedError) {
    super(`another process is collecting campaign ${id} already: ${message}`, { hint });
    this.pid = pid;
    this.machine = machine;
  }
}

/**
 * Two collectors of one campaign would take the files out of each other's hands.
 * @throws {CollectedElsewhere}
 */
export async function lockCampaign(study: Study, campaign: Campaign): Promise<AsyncDisposable> {
  refuseMissing(study, campaign);
  try {
    return await storing(study, campaign, async () => {
      const directory = path.join(study.resultDirectory, ".swarm");
      await makeFolders(directory);
      return await acquireLock(path.join(directory, `${campaign.id}.lock`), { timeoutMs: 0 });
    });
  } catch (error) {
    if (error instanceof LockedError) throw new CollectedElsewhere(campaign.id, error);
    throw error;
  }
}

/** Until the other client has queued its runs: of very many that takes some seconds. */
const QUEUEING_TIMEOUT_MS = 120_000;

/** Of two clients that start the same command at the same moment, one looks at what the other has queued. */
export async function lockQueueing(
  { resultDirectory }: Pick<Study, "resultDirectory">,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const file = path.join(resultDirectory, ".swarm", "queueing.lock");
  return await acquireLock(file, { timeoutMs: QUEUEING_TIMEOUT_MS, signal });
}
