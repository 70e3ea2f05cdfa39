import type { FileHandle } from "node:fs/promises";
import { UserError } from "../errors.ts";
import { numberIn } from "../model/quantities.ts";
import { readLines, type ReadControl } from "./byte-lines.ts";
import { isDatabase } from "./database-header.ts";
import { wordsOf } from "./quoted-text.ts";
import { isWanted, type NamedRun } from "./run-values.ts";

/** A histogram that a run has recorded. */
export interface RecordedHistogram {
  module: string;
  name: string;
  unit: string | null;
  /** Number of observations; undefined if it was not recorded. */
  count: number | undefined;
}

export interface HistogramList {
  histograms: RecordedHistogram[];
  /** Number of histograms beyond the limit. */
  omitted: number;
  /** Whether the time was over before the end of the file. */
  isPartial: boolean;
}

/** The bins of a histogram. */
export interface Histogram extends RecordedHistogram {
  mean: number | undefined;
  stddev: number | undefined;
  /** Observations, or their weights, below the first edge and from the last one on. */
  underflow: number;
  overflow: number;
  /** The lower edges of the bins, and the upper one of the last. */
  edges: number[];
  /** One less than edges. */
  values: number[];
}

/** More histograms cannot be chosen from, and more bins cannot be drawn. */
export const MOST_HISTOGRAMS = 20_000;
export const MOST_BINS = 20_000;

/** Which histogram is read: its bins are kept. */
export interface WantedHistogram {
  module: string;
  name: string;
}

/**
 * Returns the histograms that a run has recorded in a scalar file, in text or SQLite.
 * @throws {UserError} if a SQLite file is damaged or too large.
 */
export async function listHistograms(
  { handle, name }: ScalarFile,
  run: NamedRun,
  control: ReadControl,
): Promise<HistogramList> {
  if (await isDatabase(handle)) {
    const { listHistogramsInDatabase } = await import("./histogram-database.ts");
    return await listHistogramsInDatabase(handle, name, run);
  }
  const parser = new HistogramParser(run, undefined);
  const isWhole = await readAll(handle, parser, control);
  return { histograms: parser.histograms, omitted: parser.omitted, isPartial: !isWhole };
}

/** A scalar file, opened, with its name for messages. */
export interface ScalarFile {
  handle: FileHandle;
  name: string;
}

/**
 * Returns a histogram with its bins.
 * @throws {UserError} if the run has no such histogram, it has too many bins, or a SQLite file is damaged or too large.
 */
export async function readHistogram(
  { handle, name }: ScalarFile,
  run: NamedRun,
  wanted: WantedHistogram,
  control: ReadControl,
): Promise<Histogram> {
  if (await isDatabase(handle)) {
    const { readHistogramInDatabase } = await import("./histogram-database.ts");
    return await readHistogramInDatabase(handle, name, run, wanted);
  }
  const parser = new HistogramParser(run, wanted);
  await readAll(handle, parser, control);
  const [facts] = parser.histograms;
  if (facts === undefined) throw noHistogram(wanted);
  return {
    ...facts,
    ...binsOf(parser.bins),
    mean: parser.fields.get("mean"),
    stddev: parser.fields.get("stddev"),
  };
}

export function noHistogram({ module, name }: WantedHistogram): UserError {
  return new UserError(`the run has no histogram ${module}.${name} in this file`);
}

async function readAll(handle: FileHandle, parser: HistogramParser, control: ReadControl): Promise<boolean> {
  const all = { from: 0, to: (await handle.stat()).size };
  const take = (buffer: Buffer, start: number, end: number): void => {
    if (parser.matters(buffer[start])) parser.take(buffer.toString("utf8", start, end));
  };
  const isWhole = await readLines(handle, [all], take, control);
  parser.end();
  return isWhole;
}

/**
 * Returns a histogram's edges and values from its bins as they are in a file: each with its lower edge, the first from
 * minus infinity for the underflow, and the last for the overflow.
 * @throws {UserError} if there are no bins, or too many.
 */
export function binsOf(
  bins: readonly (readonly [lower: number, value: number])[],
): Pick<Histogram, "edges" | "values" | "underflow" | "overflow"> {
  const [first] = bins;
  const hasUnderflow = first?.[0] === -Infinity;
  const others = hasUnderflow ? bins.slice(1) : bins;
  const last = others.at(-1);
  if (last === undefined || others.length < 2) throw new UserError("the histogram has no bins");
  if (others.length > MOST_BINS) throw new UserError(`the histogram has more than ${MOST_BINS} bins`);
  const edges = others.map(([lower]) => lower);
  if (edges.some((edge, index) => !Number.isFinite(edge) || edge <= edges[index - 1]!))
    throw new UserError("the edges of the histogram's bins are not in order");
  const values = others.slice(0, -1).map(([, value]) => value);
  return { edges, values, underflow: hasUnderflow ? first[1] : 0, overflow: last[1] };
}

/** First letters of the lines that matter: attr, bin, field, run and statistic. */
const LETTERS = new Set(Buffer.from("abfrs"));
const MOST_ATTRIBUTES = 1000;
const LONGEST_NAME = 1000;

/**
 * Parses the lines of a scalar file. If it contains the run several times, the last one counts. Lines that are malformed
 * or unknown are ignored.
 */
class HistogramParser {
  readonly #run: NamedRun;
  readonly #wanted: WantedHistogram | undefined;
  histograms: RecordedHistogram[] = [];
  omitted = 0;
  /** Of the wanted histogram. */
  bins: [lower: number, value: number][] = [];
  fields = new Map<string, number>();
  #runAttributes: Map<string, string> | undefined = new Map();
  #isInRun = false;
  #current: (RecordedHistogram & { bins: number; isWanted: boolean }) | undefined;

  constructor(run: NamedRun, wanted: WantedHistogram | undefined) {
    this.#run = run;
    this.#wanted = wanted;
  }

  matters(letter: number | undefined): boolean {
    return letter !== undefined && LETTERS.has(letter);
  }

  take(line: string): void {
    if (line.startsWith("statistic")) this.#begin(wordsOf(line, 3));
    else if (line.startsWith("scalar")) this.end();
    else if (line.startsWith("run")) this.#beginRun();
    else if (line.startsWith("attr")) this.#takeAttribute(wordsOf(line, 3));
    else if (this.#current === undefined) return;
    else if (line.startsWith("field")) this.#takeField(this.#current, wordsOf(line, 3));
    else if (line.startsWith("bin")) this.#takeBin(this.#current, wordsOf(line, 3));
  }

  /** Ends the current statistic. */
  end(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined || current.bins === 0) return; // a statistic without bins is no histogram
    const { module, name, unit, count } = current;
    if (this.histograms.length >= MOST_HISTOGRAMS || module.length + name.length > LONGEST_NAME)
      this.omitted++;
    else if (this.#wanted === undefined || current.isWanted)
      this.histograms.push({ module, name, unit, count });
  }

  #beginRun(): void {
    this.end();
    this.#runAttributes = new Map();
  }

  #begin([, module, name]: readonly string[]): void {
    this.end();
    if (!this.#isWantedRun() || name === undefined) return;
    const isWanted = module === this.#wanted?.module && name === this.#wanted?.name;
    if (isWanted) {
      this.bins = [];
      this.fields = new Map();
      this.histograms = [];
    }
    this.#current = { module: module!, name, unit: null, count: undefined, bins: 0, isWanted };
  }

  #isWantedRun(): boolean {
    if (this.#runAttributes === undefined) return this.#isInRun;
    this.#isInRun = isWanted(this.#runAttributes, this.#run);
    this.#runAttributes = undefined;
    if (this.#isInRun) [this.histograms, this.omitted] = [[], 0];
    return this.#isInRun;
  }

  #takeAttribute([, name, value]: readonly string[]): void {
    if (value === undefined || value.length > LONGEST_NAME) return;
    if (this.#current !== undefined) {
      if (name === "unit") this.#current.unit = value;
    } else if ((this.#runAttributes?.size ?? MOST_ATTRIBUTES) < MOST_ATTRIBUTES)
      this.#runAttributes!.set(name!, value);
  }

  #takeField(
    current: { count: number | undefined; isWanted: boolean },
    [, name, text]: readonly string[],
  ): void {
    const value = numberIn(text ?? "");
    if (value === undefined) return;
    if (name === "count") current.count = value;
    if (current.isWanted && this.fields.size < MOST_ATTRIBUTES) this.fields.set(name!, value);
  }

  #takeBin(current: { bins: number; isWanted: boolean }, [, lower, text]: readonly string[]): void {
    const [edge, value] = [numberIn(lower ?? ""), numberIn(text ?? "")];
    if (edge === undefined || value === undefined) return;
    current.bins++;
    // one more than the maximum shows that there are too many; two are for under- and overflow
    if (current.isWanted && this.bins.length <= MOST_BINS + 2) this.bins.push([edge, value]);
  }
}
