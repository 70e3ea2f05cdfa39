import { UserError } from "../errors.ts";

/** Maximum number of waiting requests. */
const LONGEST_QUEUE = 100;

/** The dashboard has too many requests at the moment. */
export class Busy extends UserError {
  override name = "Busy";
}

/** Limits the number of requests that are answered concurrently: each may read a large file. */
export class Turns {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Calls a function as soon as fewer than the maximum are in progress, and returns its result.
   * @throws {Busy} if too many requests are waiting.
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#limit) this.#busy++;
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
