/** Work that is under way beside other work, with a limit. */
export class Pending {
  readonly #most: number;
  readonly #all = new Set<Promise<unknown>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Returns when there is room for more. @throws what any of the work has thrown. */
  async add(work: Promise<unknown>): Promise<void> {
    this.#all.add(work);
    const remove = (): void => void this.#all.delete(work);
    work.then(remove, () => undefined); // what fails stays, and is thrown by whoever waits for it
    if (this.#all.size >= this.#most) await Promise.race(this.#all);
  }

  /** Returns when nothing is under way any more. @throws what any of it has thrown. */
  async done(): Promise<void> {
    await Promise.all(this.#all);
  }
}
