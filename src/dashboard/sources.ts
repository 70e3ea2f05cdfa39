import type { FileHandle } from "node:fs/promises";
import type { Campaign } from "../model/campaign.ts";
import type { LocalCommand } from "../model/dashboard.ts";
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
  readStored<T>(
    result: { stored: string; files: readonly ResultFile[] },
    read: (directory: string) => Promise<T>,
  ): Promise<T>;
  /**
   * Returns why a file that a record names cannot be opened, as far as it is known without reading it; undefined if it
   * can.
   */
  fileProblem(campaign: Campaign, record: RecordedRun, file: string): Promise<string | undefined>;
  /**
   * Opens a file that a record names, with its content as the run has written it.
   * @throws {UserError} if it is not a regular file in the result directory, or has changed since.
   */
  openFile(campaign: Campaign, record: RecordedRun, file: string): Promise<FileHandle>;
  /**
   * Returns the command line that repeats a run without the swarm; undefined if the campaign was not queued on this
   * machine.
   */
  localCommand(campaign: Campaign, runNumber: number): Promise<LocalCommand | undefined>;
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
   * @param only run numbers: other runs are not queued.
   * @returns the number of runs that were queued.
   * @throws {UserError} if there are none, or one of `only` is another run.
   */
  retry(id: string, only?: readonly number[]): Promise<number>;
}
