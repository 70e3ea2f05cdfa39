import type { Campaign } from "../model/campaign.ts";
import type { ResultFile, RunRecord } from "../model/result.ts";

/** A record of a campaign, also where a later campaign has replaced it: then without its files. */
export type RecordedRun = RunRecord & { supersededBy?: string };

/** How the dashboard reaches what has been collected, and what it lets others do; put together by `cli/`. */
export interface DashboardSources {
  /** The records of all runs of a campaign that have been collected. */
  records(campaign: Campaign): Promise<RecordedRun[]>;
  /** The record of one run; undefined where there is none. */
  record(campaign: Campaign, runNumber: number): Promise<RecordedRun | undefined>;
  /** Absolute path of a result file that a record names; undefined where it cannot be reached from here. */
  resultFile(campaign: Campaign, file: string): Promise<string | undefined>;
  /** Reads a result that waits for its client, in the directory where it lies or has been unpacked for that. */
  readStored(
    result: { stored: string; files: readonly ResultFile[] },
    read: (directory: string) => Promise<string>,
  ): Promise<string>;
  /**
   * Cancels a campaign.
   * @returns how many queued runs are gone.
   * @throws {UserError} where it has ended.
   */
  cancel(id: string): Promise<number>;
  /**
   * Queues those runs again that failed or were cancelled.
   * @returns how many.
   * @throws {UserError} where there is none.
   */
  retry(id: string): Promise<number>;
}
