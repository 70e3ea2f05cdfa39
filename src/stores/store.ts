import type { ResultFile, StoredFile } from "../model/result.ts";

/**
 * Where finished runs lie until their client has them. A result is stored for each attempt under
 * `<job>/<attempt>`; only the one that the job's return value names counts.
 */
export interface ResultStore {
  /**
   * Takes files out of a working tree; they are gone from there afterwards. Complete or absent.
   * Waits where the store does not answer or is full, until the signal.
   * @param files paths relative to `tree`.
   * @returns what was stored; the hashes travel with the answer.
   */
  put(name: string, tree: string, files: readonly string[], signal?: AbortSignal): Promise<StoredFile[]>;

  /**
   * Gives a stored result as a directory with the same relative paths.
   * @param files what it consists of, as the answer of the run names it.
   * @param scratch a place of the caller on the file system where the files will stay, for stores that unpack;
   *   whatever is there goes. The caller removes it afterwards.
   * @throws {DamagedArchive} where it is not there, or is not what was stored.
   */
  open(name: string, files: readonly ResultFile[], scratch: string): Promise<string>;

  /** Removes a result, or what is left of it; one that is not there is no error. */
  remove(name: string): Promise<void>;

  /** Removes what all attempts at a job have stored, also those of workers that never answered. */
  removeAll(job: string): Promise<void>;

  /** Removes what nobody has collected for so long. @returns how many results. */
  removeOlderThan(ageMs: number): Promise<number>;

  /**
   * Looks whether a result could be stored now.
   * @throws where it could not, and says why.
   */
  check(): Promise<void>;

  /** What is free for results, from 0 to 1; undefined where the store does not tell or nobody has to care. */
  freeShare(): Promise<number | undefined>;
}

const LEAST_FREE_SHARE = 0.1;

/** Whether results have so little room left that no more runs may be begun. */
export async function isNearlyFull(store: Pick<ResultStore, "freeShare">): Promise<boolean> {
  return ((await store.freeShare()) ?? 1) < LEAST_FREE_SHARE;
}

export const NEARLY_FULL =
  "less than 10 % of the disk is free where results are stored; no runs are started until there is more";

/** What was stored cannot be had back: cut short, changed, or no longer there. The message says what is wrong. */
export class DamagedArchive extends Error {
  override name = "DamagedArchive";
}
