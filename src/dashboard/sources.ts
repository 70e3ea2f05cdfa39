import type { Campaign } from "../model/campaign.ts";
import type { ResultFile, RunRecord } from "../model/result.ts";
import type { Run } from "../model/run.ts";

/** How the dashboard reaches what has been collected, and what it lets others do; put together by `cli/`. */
export interface DashboardSources {
  /** The records of all runs of a campaign that have been collected. */
  records(campaign: Campaign): Promise<RunRecord[]>;
  /** The record of one run; undefined where there is none. */
  record(campaign: Campaign, run: Pick<Run, "runNumber">): Promise<RunRecord | undefined>;
  /** Absolute path of a result file that a record names; undefined where it cannot be reached from here. */
  resultFile(campaign: Campaign, file: string): string | undefined;
  /** Reads a result that waits for its client, in the directory where it lies or has been unpacked for that. */
  readStored(
    result: { stored: string; files: readonly ResultFile[] },
    read: (directory: string) => Promise<string>,
  ): Promise<string>;
  /**
   * Cancels a campaign.
   * @returns how many queued runs are gone.
   */
  cancel(id: string): Promise<number>;
  /**
   * Queues the runs again that have been collected and did not end well.
   * @returns how many.
   * @throws {UserError} where there is none.
   */
  retry(id: string): Promise<number>;
}
