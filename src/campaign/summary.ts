import type { Campaign } from "../model/campaign.ts";
import type { CampaignSummary, RunsMade } from "../model/events.ts";
import type { OutcomeState } from "../model/outcome.ts";
import type { RunRecord } from "../model/result.ts";

const LONGEST = 3;

/**
 * What became of a campaign.
 * @param cancelled whether it was: then the runs without a record never began.
 * @param records of all its runs, also those that were collected before.
 * @param collected the records of those that were collected now.
 */
export function summarize(
  campaign: Campaign & { cancelled: boolean },
  resultDirectory: string,
  records: readonly RunRecord[],
  collected: readonly RunRecord[],
  wallTimeMs: number,
): CampaignSummary {
  const states: CampaignSummary["states"] = {};
  const count = (state: OutcomeState, runs: number): number => (states[state] = (states[state] ?? 0) + runs);
  for (const { state } of records) count(state, 1);
  const { skipped = 0 } = campaign;
  if (skipped > 0) count("done", skipped);
  const missing = campaign.runs - records.length;
  if (missing > 0 && campaign.cancelled) count("cancelled", missing);
  const made = runsMade(collected.filter((record) => record.wallTimeMs > 0));
  return {
    campaign: campaign.id,
    states,
    ...(skipped > 0 && { skipped }),
    wallTimeMs: Math.round(wallTimeMs),
    resultDirectory,
    ...(missing > 0 && !campaign.cancelled && { unrecorded: missing }),
    ...(made && { made }),
    failed: records.filter(({ state }) => state !== "done"),
  };
}

function runsMade(records: readonly RunRecord[]): RunsMade | undefined {
  if (records.length === 0) return undefined;
  const made = { runs: records.length, runTimeMs: 0, sizeBytes: 0 };
  let cpuTimeMs: number | undefined;
  let [first, last] = [Infinity, -Infinity];
  for (const record of records) {
    made.runTimeMs += record.wallTimeMs;
    for (const { sizeBytes } of record.files) made.sizeBytes += sizeBytes;
    if (record.cpuTimeMs !== undefined) cpuTimeMs = (cpuTimeMs ?? 0) + record.cpuTimeMs;
    first = Math.min(first, Date.parse(record.startedAt));
    last = Math.max(last, Date.parse(record.finishedAt));
  }
  return {
    ...made,
    ...(cpuTimeMs !== undefined && { cpuTimeMs }),
    spanMs: last - first,
    longest: longestOf(records),
  };
}

function longestOf(records: readonly RunRecord[]): RunsMade["longest"] {
  const sorted = records.toSorted((a, b) => b.wallTimeMs - a.wallTimeMs);
  return sorted
    .slice(0, LONGEST)
    .map(({ config, runNumber, iterationVariables, repetition, wallTimeMs }) => ({
      config,
      runNumber,
      iterationVariables,
      repetition,
      wallTimeMs,
    }));
}
