import { forgetExpired } from "../queue/campaign-list.ts";
import { CAMPAIGN_TTL_SECONDS } from "../queue/names.ts";
import { isNearlyFull } from "../stores/store.ts";
import { attempts } from "../system/poll.ts";
import type { WorkerOptions } from "./worker.ts";

const INTERVAL_MS = 3600_000;
/** The queue has forgotten a campaign by then: nobody can collect its results any more. */
const RESULT_AGE_MS = CAMPAIGN_TTL_SECONDS * 1000;
const SOURCE_AGE_MS = 30 * 24 * 3600_000;
const BUILD_AGE_MS = 90 * 24 * 3600_000;
/** Of sources and builds, where there is little room for results. */
const SHORT_AGE_MS = 7 * 24 * 3600_000;

/**
 * Removes results and campaigns that nobody has collected, and sources and builds that nobody has used for long, until
 * the signal.
 */
export async function removeOldThings({
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
      onError(error as Error); // it tries again in an hour
    }
    await nextAttempt();
  }
}
