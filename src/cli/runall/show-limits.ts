import type { CampaignLimits } from "../../campaign/plan/plan.ts";
import type { Facts } from "../../campaign/run/explain.ts";
import { formatDuration, formatSize } from "../terminal/format.ts";

/** Default of `--retries`. */
export const RETRIES = 3;

/** Returns the limits of a campaign, by the names of their options in camelCase. */
export function limitFacts({
  timeoutMs,
  concurrency,
  memoryBytes,
  batchSize,
  retries,
  stopOnError,
}: CampaignLimits): Facts {
  const timeout = timeoutMs === undefined ? undefined : formatDuration(timeoutMs);
  const memory = memoryBytes === undefined ? undefined : formatSize(memoryBytes);
  return { timeout, jobs: concurrency, memory, batchSize, retries, stopOnError };
}

/** Returns the line of a preview for the limits that differ from the defaults; undefined if none does. */
export function limitsLine(limits: CampaignLimits): string | undefined {
  const { timeout, jobs, memory, batchSize, retries, stopOnError } = limitFacts(limits);
  const named = {
    timeout,
    jobs,
    memory,
    "batch size": batchSize,
    retries: retries === RETRIES ? undefined : retries,
  };
  const parts = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${String(value)}`],
  );
  if (stopOnError === true) parts.push("cancelled when a run fails");
  return parts.length === 0 ? undefined : `limits: ${parts.join(", ")}`;
}
