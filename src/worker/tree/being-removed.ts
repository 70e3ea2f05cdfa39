import { poll } from "../../system/poll.ts";

/** Time to wait until a file is missing: whoever empties a cache may remove other files first. */
const EMPTYING_MS = 1000;

/**
 * Returns whether another process is removing a worker's files, so that what failed is not the fault of a job.
 * @param isGone returns whether a file that no job removes is missing.
 */
export async function isBeingRemoved(isGone: () => boolean): Promise<boolean> {
  return (await poll(isGone, { everyMs: EMPTYING_MS / 20, timeoutMs: EMPTYING_MS })) ?? false;
}
