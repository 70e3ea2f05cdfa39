import type { Campaign } from "../model/campaign.ts";
import type { RecordedRun, RecordListener, RecordSubscription } from "../model/recorded-runs.ts";
import type { ResultFile } from "../model/result.ts";

/** The records in one folder, which several campaigns may share. */
export interface RecordFolder {
  /** Number of files that the current or the last reading has dealt with, of all. */
  readonly progress: { done: number; of: number };
  /** Delivers the records of a campaign to a listener, from the next reading on. */
  subscribe(campaign: Campaign, listener: RecordListener): RecordSubscription;
  /** Reads what has changed and calls the listeners. */
  read(): Promise<void>;
  /** Returns the record of one run as it is now; undefined if there is none. @throws if it cannot be read. */
  record(campaign: Campaign, runNumber: number): RecordedRun | undefined;
}

/** Access to collected results, and the actions of the dashboard; implemented by `cli/`. */
export interface DashboardSources {
  /** Returns the records of a campaign's study; undefined if it is not on this machine. */
  folder(campaign: Campaign): Promise<RecordFolder | undefined>;
  /** Returns the absolute path of a result file that a record names; undefined if it is not on this machine. */
  resultFile(campaign: Campaign, file: string): Promise<string | undefined>;
  /**
   * Calls a function with the directory that contains, or into which it unpacks, a result that is not yet
   * collected.
   */
  readStored(
    result: { stored: string; files: readonly ResultFile[] },
    read: (directory: string) => Promise<string>,
  ): Promise<string>;
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
