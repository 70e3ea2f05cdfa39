import { UserError } from "../errors.ts";

/** How many may wait. */
const LONGEST_QUEUE = 100;

/** There is too much to do at the moment. */
export class Busy extends UserError {
  override name = "Busy";
}

/** Lets a few of many questions be answered at once: each may read a large file. */
export class Turns {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Does work when it is its turn.
   * @throws {Busy} if too many wait already.
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#atOnce) this.#busy++;
    else {
      if (this.#waiting.length >= LONGEST_QUEUE)
        throw new Busy("too many requests to the dashboard", { hint: "try again in a minute" });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy--;
      else next();
    }
  }
}
