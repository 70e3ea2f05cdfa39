import type { ResultFile, StoredFile } from "../model/result.ts";

/**
 * Stores the files of finished runs until the client collects them. Each attempt's result is named `<job>/<attempt>`; the
 * valid one is named by the job's return value.
 */
export interface ResultStore {
  /**
   * Moves files from a working tree into the store, completely or not at all. Waits, until the signal is aborted, while
   * the store does not answer or is full.
   * @param files paths relative to `tree`.
   * @returns the stored files with sizes and hashes, which are part of the run's result.
   */
  put(name: string, tree: string, files: readonly string[], signal?: AbortSignal): Promise<StoredFile[]>;

  /**
   * Returns a directory that contains a stored result with the same relative paths.
   * @param files the files of the result, as named by the run's result.
   * @param scratch a directory for stores that unpack, on the file system to which the files will be moved. Its content
   *   is replaced; the caller removes it afterwards.
   * @throws {DamagedArchive} if the result is missing or is not what was stored.
   */
  open(name: string, files: readonly ResultFile[], scratch: string): Promise<string>;

  /** Removes a result, or what is left of it. One that does not exist is not an error. */
  remove(name: string): Promise<void>;

  /** Removes the results of all attempts at a job, including those of lost workers. */
  removeAll(job: string): Promise<void>;

  /** Removes results that were not collected within `ageMs`. @returns the number of removed results. */
  removeOlderThan(ageMs: number): Promise<number>;

  /**
   * Checks that a result could be stored now.
   * @throws if not, with the reason.
   */
  check(): Promise<void>;

  /** Returns the free share of the disk for results, from 0 to 1; undefined if it is unknown or need not be watched. */
  freeShare(): Promise<number | undefined>;
}

const LEAST_FREE_SHARE = 0.1;

/** Returns whether so little disk space is free for results that no more runs may be started. */
export async function isNearlyFull(store: Pick<ResultStore, "freeShare">): Promise<boolean> {
  return ((await store.freeShare()) ?? 1) < LEAST_FREE_SHARE;
}

export const NEARLY_FULL =
  "less than 10 % of the disk is free where results are stored; no runs are started until there is more";

/** A stored archive is truncated, changed or missing. The message says what is wrong. */
export class DamagedArchive extends Error {
  override name = "DamagedArchive";
}
