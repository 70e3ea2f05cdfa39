import { forgetExpired } from "../queue/expired.ts";
import { CAMPAIGN_TTL_SECONDS } from "../queue/names.ts";
import { isNearlyFull } from "../stores/store.ts";
import { attempts } from "../system/poll.ts";
import type { WorkerOptions } from "./worker.ts";

const INTERVAL_MS = 3600_000;
/** By then the campaign's entry in the queue has expired, so its results can no longer be collected. */
const RESULT_AGE_MS = CAMPAIGN_TTL_SECONDS * 1000;
const SOURCE_AGE_MS = 30 * 24 * 3600_000;
const BUILD_AGE_MS = 90 * 24 * 3600_000;
/** Maximum age of sources and builds while there is little free space for results. */
const SHORT_AGE_MS = 7 * 24 * 3600_000;

/**
 * Removes expired results and campaigns and long unused sources and builds every hour, until the signal is
 * aborted. Reports errors and continues.
 * @throws the reason of the signal.
 */
export async function removeExpired({
  connection,
  results,
  builds,
  sources,
  signal,
  onError,
}: Pick<
  WorkerOptions,
  "connection" | "results" | "builds" | "sources" | "signal" | "onError"
>): Promise<void> {
  const nextAttempt = attempts({ everyMs: INTERVAL_MS, signal });
  for (;;) {
    try {
      await results.removeOlderThan(RESULT_AGE_MS);
      const full = await isNearlyFull(results);
      await builds.removeOlderThan(full ? SHORT_AGE_MS : BUILD_AGE_MS);
      await sources.removeOlderThan(full ? SHORT_AGE_MS : SOURCE_AGE_MS);
      await forgetExpired(connection);
    } catch (error) {
      signal.throwIfAborted();
      onError(error as Error); // the next attempt is in an hour
    }
    await nextAttempt();
  }
}
