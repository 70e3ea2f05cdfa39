import { setTimeout as delay } from "node:timers/promises";

const STEP_MS = 100;

/**
 * Waits until this process has been at work for so long. Time in which the machine slept, or had none for it, counts as
 * little: an answer that came meanwhile is read before anybody is said not to answer.
 * @throws when the signal is aborted.
 */
export async function awakeFor(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS)
    await delay(Math.min(left, STEP_MS), undefined, signal && { signal });
}
