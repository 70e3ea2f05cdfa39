import { inBaseUnit, quantityIn } from "./quantities.ts";
import type { Run } from "./run.ts";

/** From this fraction of a running run on, its time is predicted from its progress. */
export const RELIABLE_PERCENT = 5;
/** Of more runs than this, the time of a single one makes no difference. */
export const MOST_PREDICTED_RUNS = 20_000;
/** At most one part in so many of the time is spent on predictions. */
export const PREDICTION_SHARE = 50;

/** What the predicted wall time of a run depends on: runs that differ only in their repetition take equally long. */
export type TimedRun = Pick<Run, "config" | "iterationVariables">;

/** The runs with the same values of all iteration variables. */
interface Cell {
  values: readonly Value[];
  /** Number of times, and the sum of their logarithms. */
  count: number;
  sum: number;
}

/** A value of an iteration variable; `name` distinguishes the variables. */
interface Value {
  name: string;
  text: string;
}

/**
 * Predicts the wall times of a study's runs from those of others. A run takes as long as its repetitions; otherwise, each
 * value of each iteration variable is assumed to multiply the time by a factor of its own, and the factor of a number
 * that has not occurred yet follows from those of its neighbours.
 */
export class RunTimes {
  readonly #earlier = new Map<string, Cell>();
  readonly #ended = new Map<string, Cell>();
  /** By run number. */
  readonly #running = new Map<number, { run: TimedRun; wallTimeMs: number }>();
  #known: { cells: ReadonlyMap<string, number>; model: Model } | undefined;

  /** Adds the time of a run of an earlier campaign, in ms: the code and the machines may have been others. */
  addEarlier(run: TimedRun, wallTimeMs: number): void {
    this.#add(this.#earlier, run, wallTimeMs);
  }

  /** Adds the time of a run of this campaign, in ms. */
  add(run: Run, wallTimeMs: number): void {
    this.#running.delete(run.runNumber);
    this.#add(this.#ended, run, wallTimeMs);
  }

  /** Replaces the time that a running run is expected to take in total, in ms; undefined: it is unknown. */
  expect(run: Run, wallTimeMs: number | undefined): void {
    if (wallTimeMs === undefined || wallTimeMs <= 0) this.#running.delete(run.runNumber);
    else this.#running.set(run.runNumber, { run, wallTimeMs });
    this.#known = undefined;
  }

  #add(cells: Map<string, Cell>, run: TimedRun, wallTimeMs: number): void {
    if (wallTimeMs > 0) addTo(cells, run, wallTimeMs); // otherwise, it was not executed
    this.#known = undefined;
  }

  /** Returns the predicted wall time of a run in ms; undefined if no time is known. */
  predict(run: TimedRun): number | undefined {
    if (this.#earlier.size + this.#ended.size + this.#running.size === 0) return undefined;
    const { cells, model } = (this.#known ??= this.#learn());
    return Math.exp(cells.get(cellKey(run)) ?? model.at(valuesOf(run)));
  }

  /** What has ended in this campaign counts most, then what is running, then what ran earlier. */
  #learn(): { cells: ReadonlyMap<string, number>; model: Model } {
    const running = new Map<string, Cell>();
    for (const { run, wallTimeMs } of this.#running.values()) addTo(running, run, wallTimeMs);
    const present = new Map([...running, ...this.#ended]);
    const both = [...present].flatMap(([key, cell]) => {
      const earlier = this.#earlier.get(key);
      return earlier === undefined ? [] : [mean(cell) - mean(earlier)];
    });
    const slower = average(both);
    const cells = new Map([...this.#earlier].map(([key, cell]) => [key, mean(cell) + slower]));
    for (const [key, cell] of present) cells.set(key, mean(cell));
    const model = new Model(
      [...cells].map(([key, log]) => ({ log, values: (present.get(key) ?? this.#earlier.get(key)!).values })),
    );
    return { cells, model };
  }
}

/** Number of rounds in which the effects are computed from each other. */
const ROUNDS = 8;
/** Weight of the assumption that a value has no effect, in runs. */
const DOUBT = 0.1;

/** A sum of effects on the logarithm of the time: one of each value of each iteration variable. */
class Model {
  readonly #base: number;
  readonly #effects = new Map<string, Map<string, number>>();
  readonly #curves = new Map<string, Curve>();

  constructor(cells: readonly { values: readonly Value[]; log: number }[]) {
    this.#base = average(cells.map(({ log }) => log));
    const rest = cells.map(({ log }) => log - this.#base);
    const columns = columnsOf(cells.map(({ values }) => values));
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, column] of columns) this.#improve(name, column, rest);
    for (const [name, effects] of this.#effects) this.#curves.set(name, new Curve(effects));
  }

  /** Computes the effects of a variable's values anew from what the effects of all others leave to be explained. */
  #improve(name: string, column: Column, rest: number[]): void {
    const effects = this.#effects.get(name);
    const improved = new Map<string, number>();
    for (const [text, cells] of column) {
      const before = effects?.get(text) ?? 0;
      const sum = cells.reduce((total, cell) => total + rest[cell]! + before, 0);
      const effect = sum / (cells.length + DOUBT);
      for (const cell of cells) rest[cell]! += before - effect;
      improved.set(text, effect);
    }
    this.#effects.set(name, improved);
  }

  /** Returns the logarithm of the time of runs with these values. */
  at(values: readonly Value[]): number {
    const effects = values.map(
      ({ name, text }) => this.#effects.get(name)?.get(text) ?? this.#curves.get(name)?.at(text) ?? 0,
    );
    return effects.reduce((sum, effect) => sum + effect, this.#base);
  }
}

/** The indices of the cells with each value of a variable. */
type Column = Map<string, number[]>;

/** Returns the columns by the names of variables. */
function columnsOf(cells: readonly (readonly Value[])[]): Map<string, Column> {
  const columns = new Map<string, Column>();
  for (const [index, values] of cells.entries()) {
    for (const { name, text } of values) {
      const column = columns.get(name) ?? new Map<string, number[]>();
      columns.set(name, column);
      const indices = column.get(text);
      if (indices === undefined) column.set(text, [index]);
      else indices.push(index);
    }
  }
  return columns;
}

/** The effect of a numeric variable as a function of its value. */
class Curve {
  /** Ascending. */
  readonly #points: readonly { x: number; effect: number }[];
  readonly #isLogarithmic: boolean;

  constructor(effects: ReadonlyMap<string, number>) {
    const numbers = [...effects].flatMap(([text, effect]) => {
      const number = numberOf(text);
      return number === undefined ? [] : [{ number, effect }];
    });
    this.#isLogarithmic = numbers.every(({ number }) => number > 0);
    this.#points = numbers
      .map(({ number, effect }) => ({ x: this.#position(number), effect }))
      .sort((a, b) => a.x - b.x);
  }

  #position(number: number): number {
    return this.#isLogarithmic ? Math.log(number) : number;
  }

  /** Returns the effect of a value that has not occurred: between its neighbours, or beyond the last by the mean slope. */
  at(text: string): number {
    const number = numberOf(text);
    const points = this.#points;
    if (number === undefined || points.length < 2 || (this.#isLogarithmic && number <= 0)) return 0;
    const x = this.#position(number);
    const above = firstAtLeast(points, x);
    if (above > 0 && above < points.length) return onLine(points[above - 1]!, points[above]!, x);
    const [first, last] = [points[0]!, points.at(-1)!];
    const end = above === 0 ? first : last;
    return end.effect + onLine(first, last, x) - onLine(first, last, end.x);
  }
}

/** Returns the index of the first point from a position on; the number of points if there is none. */
function firstAtLeast(points: readonly { x: number }[], x: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.x < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function onLine(a: { x: number; effect: number }, b: { x: number; effect: number }, x: number): number {
  return a.x === b.x ? a.effect : a.effect + ((b.effect - a.effect) * (x - a.x)) / (b.x - a.x);
}

function numberOf(text: string): number | undefined {
  const quantity = quantityIn(text);
  const value = quantity && inBaseUnit(quantity).value;
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function cellKey({ config, iterationVariables }: TimedRun): string {
  return JSON.stringify([config, iterationVariables]);
}

/** The config counts as a variable, too. */
function valuesOf({ config, iterationVariables }: TimedRun): Value[] {
  const variables = Object.entries(iterationVariables).map(([name, text]) => ({ name: `$${name}`, text }));
  return [{ name: "config", text: config }, ...variables];
}

function addTo(cells: Map<string, Cell>, run: TimedRun, wallTimeMs: number): void {
  const key = cellKey(run);
  const cell = cells.get(key) ?? { values: valuesOf(run), count: 0, sum: 0 };
  cells.set(key, { ...cell, count: cell.count + 1, sum: cell.sum + Math.log(wallTimeMs) });
}

function mean({ sum, count }: Cell): number {
  return sum / count;
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
