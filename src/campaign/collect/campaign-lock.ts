import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import { makeFolders } from "../../system/files.ts";
import { acquireLock, LockedError } from "../../system/lock.ts";
import { refuseMissing, storing } from "./collect-run.ts";
import type { Study } from "./places.ts";

/** Another process is collecting the campaign. */
export class CollectedElsewhere extends UserError {
  override name = "CollectedElsewhere";
  readonly pid: number | undefined;
  /** Name of the other process's machine; undefined for this machine. */
  readonly machine: string | undefined;

  constructor(id: string, { pid, machine, hint, message }: LockedError) {
    super(`another process is collecting campaign ${id} already: ${message}`, { hint });
    this.pid = pid;
    this.machine = machine;
  }
}

/**
 * Locks a campaign for collecting its results: two collectors would move each other's files.
 * @throws {CollectedElsewhere} if another process is collecting it.
 * @throws {UserError} if the study no longer exists, or the lock cannot be written.
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

/** Maximum time until another client has queued its runs: very many of them take some seconds. */
const QUEUEING_TIMEOUT_MS = 120_000;

/**
 * Locks the queueing of runs: if two clients start the same command at the same time, the second one then
 * finds the runs that the first one has queued.
 */
export async function lockQueueing(
  { resultDirectory }: Pick<Study, "resultDirectory">,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const file = path.join(resultDirectory, ".swarm", "queueing.lock");
  return await acquireLock(file, { timeoutMs: QUEUEING_TIMEOUT_MS, signal });
}
