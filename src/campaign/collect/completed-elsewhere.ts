import type { Campaign } from "../../model/campaign.ts";
import type { Run } from "../../model/run.ts";
import { readRecord } from "./records.ts";

/** Runs of a campaign that never started, by whether another campaign has completed the same runs since or before. */
export interface Unstarted {
  left: Run[];
  completed: Run[];
}

/** Sorts runs that never started: those that another equal campaign has completed are not executed again. */
export async function sortUnstarted(
  runs: readonly Run[],
  campaign: Campaign,
  resultDirectory: string,
): Promise<Unstarted> {
  const sorted: Unstarted = { left: [], completed: [] };
  for (const run of runs) {
    const isCompleted = await isCompletedElsewhere(run, campaign, resultDirectory);
    sorted[isCompleted ? "completed" : "left"].push(run);
  }
  return sorted;
}

async function isCompletedElsewhere(
  run: Run,
  { identity }: Campaign,
  resultDirectory: string,
): Promise<boolean> {
  // a damaged record counts as none
  const record = await readRecord(resultDirectory, run).catch(() => undefined);
  return record?.state === "done" && identity !== undefined && record.identity === identity;
}
