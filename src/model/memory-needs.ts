/** The iteration variables of a run. */
type Variables = Readonly<Record<string, string>>;

/** Share of the difference by which a peak lowers what is known: equal runs need different amounts. */
const FORGETTING = 0.25;
/** Relative difference from the estimate that makes a peak worth keeping in any case. */
const NOTEWORTHY = 0.1;
/** Number of peaks below which an expected one is kept, too: later peaks of other runs change what would be expected. */
const FEW_PEAKS = 500;
/** Maximum number of peaks of a study. */
const MOST_PEAKS = 2000;

interface Peak {
  variables: Variables;
  bytes: number;
  /** The run has not ended: it may need more. */
  isBound: boolean;
}

/** What is known about the memory of a study's runs: the peaks of earlier runs, by their iteration variables. */
export class MemoryNeeds {
  readonly #peaks = new Map<string, Peak>();

  /**
   * Returns the memory that a run is expected to need, in bytes; undefined if nothing is known. Runs with the same
   * iteration variables need the same. For other runs, this is the smallest bound that one of their variables sets: the
   * largest peak of the runs with the same value or, for a number, with the nearest smaller and larger one.
   */
  estimate(variables: Variables): number | undefined {
    const equal = this.#peaks.get(keyOf(variables));
    if (equal !== undefined || this.#peaks.size === 0) return equal?.bytes;
    const peaks = [...this.#peaks.values()];
    const bounds = Object.entries(variables).map(([name, value]) => largest(similar(peaks, name, value)));
    return Math.min(largest(peaks), ...bounds);
  }

  /**
   * Takes the peak of a completed run into account.
   * @returns what is now known about equal runs, in bytes; undefined if that is about what was known or expected.
   */
  learn(variables: Variables, peak: number): number | undefined {
    const known = this.#peaks.get(keyOf(variables));
    const isFirst = known === undefined || known.isBound;
    const bytes = isFirst
      ? peak
      : Math.max(peak, known.bytes - Math.round((known.bytes - peak) * FORGETTING));
    const isKept = isFirst && (known !== undefined || this.#peaks.size < FEW_PEAKS);
    const expected = isKept ? undefined : this.estimate(variables);
    if (expected !== undefined && Math.abs(bytes - expected) <= NOTEWORTHY * expected) return undefined;
    return this.set(variables, bytes) ? bytes : undefined;
  }

  /** Takes into account that a run that has not completed needs at least so much. */
  raise(variables: Variables, bytes: number): void {
    const expected = this.estimate(variables) ?? 0;
    if (bytes > expected * (1 + NOTEWORTHY)) this.set(variables, bytes, true);
  }

  /** Sets what is known about equal runs. @returns whether there is capacity for it. */
  set(variables: Variables, bytes: number, isBound = false): boolean {
    const key = keyOf(variables);
    if (this.#peaks.size >= MOST_PEAKS && !this.#peaks.has(key)) return false;
    this.#peaks.set(key, { variables, bytes, isBound });
    return true;
  }
}

/** Returns a text that is equal for equal iteration variables. */
function keyOf(variables: Variables): string {
  return JSON.stringify(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the peaks of the runs with the same value of a variable or, for a number, with the nearest ones; else all. */
function similar(peaks: readonly Peak[], name: string, value: string): readonly Peak[] {
  const equal = peaks.filter(({ variables }) => variables[name] === value);
  if (equal.length > 0) return equal;
  const wanted = numberIn(value);
  const numbers = peaks.map(({ variables }) => numberIn(variables[name] ?? ""));
  const below = Math.max(...numbers.filter((number) => number < wanted));
  const above = Math.min(...numbers.filter((number) => number > wanted));
  const nearest = peaks.filter((_, at) => numbers[at] === below || numbers[at] === above);
  return nearest.length > 0 ? nearest : peaks;
}

/** Returns the number at the beginning of a value such as `10` or `0.5s`; NaN if there is none. */
function numberIn(value: string): number {
  return Number.parseFloat(value);
}

function largest(peaks: readonly Peak[]): number {
  return peaks.reduce((most, { bytes }) => Math.max(most, bytes), 0);
}
