/** Runs report every two seconds; over this time the rate is even and still of the present. */
const WINDOW_MS = 10_000;
const GRAIN_MS = 500;

/** How many events a second a campaign makes at present. */
export class EventRate {
  readonly #now: () => number;
  /** Events up to a moment, the newest last. */
  #samples: { at: number; events: number }[] = [];
  #events = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** From now on events are made. */
  begin(): void {
    if (this.#samples.length === 0) this.#samples.push({ at: this.#now(), events: 0 });
  }

  add(events: number): void {
    this.begin();
    this.#events += events;
    const newest = this.#samples.at(-1)!;
    if (this.#samples.length > 1 && this.#now() - newest.at < GRAIN_MS) newest.events = this.#events;
    else this.#samples.push({ at: this.#now(), events: this.#events });
  }

  /** Undefined as long as too little has been seen. */
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
