/** Work that runs concurrently with other work, up to a limit. */
export class Pending {
  readonly #most: number;
  readonly #all = new Set<Promise<unknown>>();

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Adds work, and waits until less work is running than the limit allows.
   * @throws the error of any of the work.
   */
  async add(work: Promise<unknown>): Promise<void> {
    this.#all.add(work);
    const remove = (): void => void this.#all.delete(work);
    // failed work stays, so that the next caller that waits gets its error
    work.then(remove, () => undefined);
    if (this.#all.size >= this.#most) await Promise.race(this.#all);
  }

  /**
   * Waits until all work has ended.
   * @throws the error of any of the work.
   */
  async done(): Promise<void> {
    await Promise.all(this.#all);
  }
}
