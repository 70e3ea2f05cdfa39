/** Thrown by the handler of a job that cannot be done now: the job goes back to the queue. */
export class Postponed extends Error {
  override name = "Postponed";
  /** No worker takes the job before this time has passed. */
  readonly delayMs: number;
  /** Replaces the data of the job. */
  readonly data: object | undefined;

  constructor(delayMs: number, data?: object) {
    super(`postponed by ${delayMs} ms`);
    this.delayMs = delayMs;
    this.data = data;
  }
}
