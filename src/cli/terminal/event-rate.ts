/** Period of the average. Runs report every two seconds, so a shorter one would fluctuate. */
const WINDOW_MS = 10_000;
/** Minimum time between two samples. */
const GRAIN_MS = 500;

/** The current number of simulated events per second of a campaign. */
export class EventRate {
  readonly #now: () => number;
  /** Total events by time, latest last. */
  #samples: { at: number; events: number }[] = [];
  #events = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Starts the measurement. */
  begin(): void {
    if (this.#samples.length === 0) this.#samples.push({ at: this.#now(), events: 0 });
  }

  /** Adds newly simulated events. */
  add(events: number): void {
    this.begin();
    this.#events += events;
    const newest = this.#samples.at(-1)!;
    if (this.#samples.length > 1 && this.#now() - newest.at < GRAIN_MS) newest.events = this.#events;
    else this.#samples.push({ at: this.#now(), events: this.#events });
  }

  /** Events per second; undefined if the measurement is too short. */
  get perSecond(): number | undefined {
    const now = this.#now();
    const outside = this.#samples.findLastIndex(({ at }) => now - at > WINDOW_MS);
    if (outside > 0) this.#samples = this.#samples.slice(outside);
    const oldest = this.#samples[0];
    if (oldest === undefined || now - oldest.at < GRAIN_MS || this.#events === oldest.events)
      return undefined;
    return ((this.#events - oldest.events) * 1000) / (now - oldest.at);
  }
}
