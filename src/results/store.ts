/**
 * Where finished runs lie until their client has them. A result is stored for each attempt under
 * `<job>/<attempt>`; only the one that the job's return value names counts.
 */
export interface ResultStore {
  /**
   * Takes files out of a working tree; they are gone from there afterwards. Complete or absent.
   * @param files paths relative to `tree`.
   */
  put(name: string, tree: string, files: readonly string[]): Promise<void>;

  /**
   * Gives a stored result as a directory with the same relative paths.
   * @param scratch an empty place on the file system where the files will stay, for stores that unpack.
   */
  open(name: string, scratch: string): Promise<string>;

  /** Removes a result, or what is left of it; one that is not there is no error. */
  remove(name: string): Promise<void>;

  /** Removes what all attempts at a job have stored, also those of workers that never answered. */
  removeAll(job: string): Promise<void>;
}
