/** A series of at most a number of points, with its extremes. */
export interface SampledSeries {
  /** In the order of their times. */
  points: [time: number, value: number][];
  /** Number of all points that were added. */
  count: number;
  /** Number of points whose value or time is NaN or infinite; they are not among `points`. */
  notFinite: number;
  /** Whether each of `points` stands for several: the least and the greatest value of an interval of time. */
  isReduced: boolean;
}

/** Where the values of an interval are in the array of all intervals. */
const [MIN_TIME, MIN, MAX_TIME, MAX, FIELDS] = [0, 1, 2, 3, 4];

/**
 * Reduces a series of unknown length and duration, in one pass and with bounded memory, so that its picture stays the
 * same: of each of many equal intervals of time, the least and the greatest value are kept. An interval becomes twice as
 * long whenever the series turns out to be longer. A short series is kept as it is.
 */
export class DownSampler {
  readonly #most: number;
  readonly #intervals: number;
  /** All points, until they are too many. */
  #points: [time: number, value: number][] = [];
  /** Undefined as long as all points are kept. */
  #extremes: Float64Array | undefined;
  #start = 0;
  #width = 0;
  #count = 0;
  #notFinite = 0;

  /** @param most number of points to keep. */
  constructor(most: number) {
    this.#most = most;
    this.#intervals = Math.max(2, 2 * Math.floor(most / 4));
  }

  add(time: number, value: number): void {
    this.#count++;
    if (!Number.isFinite(time) || !Number.isFinite(value)) this.#notFinite++;
    else if (this.#extremes !== undefined) this.#addTo(this.#extremes, time, value);
    else if (this.#points.length < this.#most) this.#points.push([time, value]);
    else this.#reduce(time, value);
  }

  result(): SampledSeries {
    const points = this.#extremes === undefined ? [...this.#points] : pointsOf(this.#extremes);
    points.sort(([a], [b]) => a - b);
    const [count, notFinite] = [this.#count, this.#notFinite];
    return { points, count, notFinite, isReduced: this.#extremes !== undefined };
  }

  #reduce(time: number, value: number): void {
    const extremes = new Float64Array(this.#intervals * FIELDS).fill(NaN);
    this.#extremes = extremes;
    this.#start = this.#points.reduce((least, [at]) => Math.min(least, at), time);
    for (const [at, each] of this.#points) this.#addTo(extremes, at, each);
    this.#points = [];
    this.#addTo(extremes, time, value);
  }

  #addTo(extremes: Float64Array, time: number, value: number): void {
    const offset = Math.max(0, time - this.#start); // a damaged file may go back in time
    if (this.#width === 0 && offset > 0) this.#width = (2 * offset) / this.#intervals;
    while (offset >= this.#width * this.#intervals && offset > 0 && Number.isFinite(this.#width)) {
      halve(extremes, this.#intervals);
      this.#width *= 2;
    }
    const index = this.#width === 0 ? 0 : Math.min(Math.floor(offset / this.#width), this.#intervals - 1);
    widen(extremes, index * FIELDS, time, value);
  }
}

/** Adds a point to the extremes of an interval. */
function widen(extremes: Float64Array, at: number, time: number, value: number): void {
  if (!(value >= extremes[at + MIN]!)) {
    extremes[at + MIN_TIME] = time;
    extremes[at + MIN] = value;
  }
  if (!(value <= extremes[at + MAX]!)) {
    extremes[at + MAX_TIME] = time;
    extremes[at + MAX] = value;
  }
}

/** Combines each pair of neighbouring intervals; the second half becomes empty. */
function halve(extremes: Float64Array, intervals: number): void {
  const old = extremes.slice();
  extremes.fill(NaN);
  for (let index = 0; index < intervals; index++) {
    const from = index * FIELDS;
    if (Number.isNaN(old[from + MIN]!)) continue;
    const to = (index >> 1) * FIELDS;
    widen(extremes, to, old[from + MIN_TIME]!, old[from + MIN]!);
    widen(extremes, to, old[from + MAX_TIME]!, old[from + MAX]!);
  }
}

function pointsOf(extremes: Float64Array): [time: number, value: number][] {
  const points: [time: number, value: number][] = [];
  for (let at = 0; at < extremes.length; at += FIELDS) {
    const [minTime, min, maxTime, max] = extremes.subarray(at, at + FIELDS) as unknown as number[];
    if (Number.isNaN(min!)) continue;
    points.push([minTime!, min!]);
    if (maxTime !== minTime || max !== min) points.push([maxTime!, max!]);
  }
  return points;
}
