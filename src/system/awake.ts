import { setTimeout as delay } from "node:timers/promises";

const STEP_MS = 100;

/**
 * Waits until this process has been awake for some time, in milliseconds. Time in which the machine was suspended or too
 * busy hardly counts, so that an answer that arrived in the meantime is read before a timeout is reported.
 * @throws when the signal is aborted.
 */
export async function awakeFor(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS)
    await delay(Math.min(left, STEP_MS), undefined, signal && { signal });
}
