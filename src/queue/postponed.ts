/** Thrown by a job's handler if the job cannot be done now: the job is requeued. */
export class Postponed extends Error {
  override name = "Postponed";
  /** Time before any worker takes the job again. */
  readonly delayMs: number;
  /** New data of the job (default: unchanged). */
  readonly data: object | undefined;

  constructor(delayMs: number, data?: object) {
    super(`postponed by ${delayMs} ms`);
    this.delayMs = delayMs;
    this.data = data;
  }
}
