import type { RunRecord } from "./result.ts";

/** A record of a run. If a later campaign has replaced it, it has no files. */
export type RecordedRun = Omit<RunRecord, "files"> & { files?: RunRecord["files"]; supersededBy?: string };

/** Receives what becomes known about the collected runs of one campaign. */
export interface RecordListener {
  /** Called with each record of the campaign: once, and again when it has changed. */
  recorded(record: RecordedRun): void;
  /** Called with each record that a later campaign has replaced. */
  superseded(record: RecordedRun): void;
  /**
   * Called when the record of a run no longer exists.
   * @param by ID of the campaign that has replaced it; undefined if none has.
   */
  removed(runNumber: number, by: string | undefined): void;
}

/** A subscription to the records of a campaign. */
export interface RecordSubscription extends Disposable {
  /** Whether all records that existed when it began have been delivered. */
  readonly isComplete: boolean;
  /**
   * Returns what could not be read; undefined if nothing is wrong.
   * @param isKnown whether the state of a run is known nevertheless.
   */
  trouble(isKnown: (runNumber: number) => boolean): string | undefined;
}
