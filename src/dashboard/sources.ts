import type { Campaign } from "../model/campaign.ts";
import type { ResultFile, RunRecord } from "../model/result.ts";

/** A record of a run. If a later campaign has replaced it, its files are omitted. */
export type RecordedRun = RunRecord & { supersededBy?: string };

/** Access to collected results, and the actions of the dashboard; implemented by `cli/`. */
export interface DashboardSources {
  /** Returns the records of all collected runs of a campaign. */
  records(campaign: Campaign): Promise<RecordedRun[]>;
  /** Returns the record of one run; undefined if there is none. */
  record(campaign: Campaign, runNumber: number): Promise<RecordedRun | undefined>;
  /** Returns the absolute path of a result file that a record names; undefined if it is not on this machine. */
  resultFile(campaign: Campaign, file: string): Promise<string | undefined>;
  /**
   * Calls a function with the directory that contains, or into which it unpacks, a result that is not yet
   * collected.
   */
  readStored<T>(
    result: { stored: string; files: readonly ResultFile[] },
    read: (directory: string) => Promise<T>,
  ): Promise<T>;
  /** Returns the folder of a campaign's records on this machine; undefined if there is none. */
  resultDirectory(campaign: Campaign): Promise<string | undefined>;
  /**
   * Cancels a campaign.
   * @returns the number of queued runs that were removed.
   * @throws {UserError} if it has ended.
   */
  cancel(id: string): Promise<number>;
  /**
   * Requeues the runs of a campaign that failed or were cancelled.
   * @returns the number of these runs.
   * @throws {UserError} if there are none.
   */
  retry(id: string): Promise<number>;
}
