import type { FileHandle } from "node:fs/promises";
import { UserError } from "../errors.ts";
import { numberIn } from "../model/quantities.ts";
import { readLines, type ReadControl } from "./byte-lines.ts";
import { isDatabase } from "./database-header.ts";
import {
  binsOf,
  MOST_BINS,
  MOST_HISTOGRAMS,
  noHistogram,
  type Histogram,
  type HistogramList,
  type RecordedHistogram,
  type WantedHistogram,
} from "./histogram.ts";
import { wordsOf } from "./quoted-text.ts";
import type { NamedRun } from "./run-values.ts";
import { WantedRun } from "./wanted-run.ts";

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
 * @throws {UserError} if the run has no such histogram, its bins cannot be drawn, reading takes too long, or a
 * SQLite file is damaged or too large.
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
  // what was read until then may be a part of the bins, or of an earlier recording
  if (!(await readAll(handle, parser, control)))
    throw new UserError(`reading the file ${name} took too long`);
  const [facts] = parser.histograms;
  if (facts === undefined) throw noHistogram(wanted);
  return {
    ...facts,
    ...binsOf(parser.bins),
    mean: parser.fields.get("mean"),
    stddev: parser.fields.get("stddev"),
  };
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

/** First letters of the lines that matter: attr, bin, field, run and statistic. */
const LETTERS = new Set(Buffer.from("abfrs"));
const MOST_FIELDS = 1000;
const LONGEST_NAME = 1000;

/**
 * Parses the lines of a scalar file. If it contains the run several times, the last one counts. Lines that are malformed
 * or unknown are ignored.
 */
class HistogramParser {
  readonly #run: WantedRun;
  readonly #wanted: WantedHistogram | undefined;
  histograms: RecordedHistogram[] = [];
  omitted = 0;
  /** Of the wanted histogram. */
  bins: [lower: number, value: number][] = [];
  fields = new Map<string, number>();
  #current: (RecordedHistogram & { bins: number; isWanted: boolean }) | undefined;

  constructor(run: NamedRun, wanted: WantedHistogram | undefined) {
    this.#run = new WantedRun(run, () => {
      this.histograms = [];
      this.omitted = 0;
    });
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
    this.#run.next();
  }

  #begin([, module, name]: readonly string[]): void {
    this.end();
    if (!this.#run.hasItem() || name === undefined) return;
    const isWanted = module === this.#wanted?.module && name === this.#wanted?.name;
    if (isWanted) {
      this.bins = [];
      this.fields = new Map();
      this.histograms = [];
    }
    this.#current = { module: module!, name, unit: null, count: undefined, bins: 0, isWanted };
  }

  #takeAttribute([, name, value]: readonly string[]): void {
    if (value === undefined || value.length > LONGEST_NAME) return;
    if (this.#current !== undefined) {
      if (name === "unit") this.#current.unit = value;
    } else this.#run.addAttribute(name!, value);
  }

  #takeField(
    current: { count: number | undefined; isWanted: boolean },
    [, name, text]: readonly string[],
  ): void {
    const value = numberIn(text ?? "");
    if (value === undefined) return;
    if (name === "count") current.count = value;
    if (current.isWanted && this.fields.size < MOST_FIELDS) this.fields.set(name!, value);
  }

  #takeBin(current: { bins: number; isWanted: boolean }, [, lower, text]: readonly string[]): void {
    const [edge, value] = [numberIn(lower ?? ""), numberIn(text ?? "")];
    if (edge === undefined || value === undefined) return;
    current.bins++;
    // one more than the maximum shows that there are too many; two are for under- and overflow
    if (current.isWanted && this.bins.length <= MOST_BINS + 2) this.bins.push([edge, value]);
  }
}
