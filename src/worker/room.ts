import { setTimeout as delay } from "node:timers/promises";
import { isNearlyFull, NEARLY_FULL } from "../results/store.ts";
import type { WorkerOptions } from "./worker.ts";

const LOOK_AGAIN_MS = 15_000;

/**
 * Holds a runner back from new runs while there is little room for their results. Looked at now and then, beside
 * the runs, so that the pause between two of them does not grow.
 * @returns a function that returns when a run may be begun, or when the runner ends.
 */
export function roomFor(
  { results, signal, onError }: Pick<WorkerOptions, "results" | "signal" | "onError">,
  lookAgainMs = LOOK_AGAIN_MS,
): () => Promise<void> {
  let lookedAt = -Infinity;
  let full = false;
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    try {
      const now = await isNearlyFull(results);
      if (now && !full) onError(new Error(NEARLY_FULL));
      full = now;
    } catch (error) {
      if (!signal.aborted) onError(error as Error);
    }
    lookedAt = performance.now();
  };
  const lookNowAndThen = (): void => {
    if (looking !== undefined || performance.now() - lookedAt < lookAgainMs) return;
    looking = look().finally(() => (looking = undefined));
  };
  return async () => {
    lookNowAndThen();
    while (full) {
      await delay(lookAgainMs, undefined, { signal }).catch(() => undefined); // the runner ends
      if (signal.aborted) return;
      await look();
    }
  };
}
