import type { RunValues } from "../model/result-item.ts";
import { numberIn } from "../model/quantities.ts";
import { openRegularFile } from "../system/regular-file.ts";
import { DATABASE_HEAD_BYTES, isDatabaseHead } from "./database-header.ts";
import { LineSplitter, MAX_LINE_LENGTH } from "./line-splitter.ts";
import { ScalarLayout } from "./scalar-layout.ts";
import { wordsOf } from "./quoted-text.ts";
import { ItemCollector, type NamedRun, type Statistic } from "./run-values.ts";
import { WantedRun } from "./wanted-run.ts";

/** Maximum length to read of a file. No scalar file is that large, and reading more would take minutes. */
const MAX_BYTES = 1 << 29;
/** Files up to this length are read as a whole. */
const SMALL_BYTES = 1 << 22;

export interface ScalarFileLimits {
  bytes?: number;
  items?: number;
}

/**
 * Returns the numbers that a run has recorded in a scalar file, which may have any content, in text or SQLite: scalars,
 * fields of statistics and histograms, and numeric parameters. If the file contains the run several times, the last one
 * counts.
 * @param run undefined: the last run in the file.
 * @returns undefined if the file does not exist, or does not contain the run.
 * @throws {UserError} if a SQLite file is damaged or too large.
 */
export async function readScalarFile(
  file: string,
  run?: NamedRun,
  { bytes = MAX_BYTES, items }: ScalarFileLimits = {},
): Promise<RunValues | undefined> {
  await using handle = await openRegularFile(file);
  if (handle === undefined) return undefined;
  const { size } = await handle.stat();
  const isSmall = size <= Math.min(SMALL_BYTES, bytes);
  const length = isSmall ? size : DATABASE_HEAD_BYTES;
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, 0);
  const head = buffer.subarray(0, bytesRead);
  if (isDatabaseHead(head)) {
    const { readScalarDatabase } = await import("./scalar-database.ts"); // only for such files
    return await readScalarDatabase(handle, file, run, items);
  }
  if (isSmall && items === undefined) return readText(head.toString(), run);
  const parser = new TextParser(run, items);
  const splitter = new LineSplitter((line) => parser.take(line));
  const text = handle.createReadStream({ encoding: "utf8", start: 0, end: bytes - 1, autoClose: false });
  for await (const chunk of text) splitter.write(chunk as string);
  splitter.end();
  return parser.end(size > bytes);
}

/** The last layouts that were met: runs with other parameters may have other modules. */
const layouts: ScalarLayout[] = [];
const MOST_LAYOUTS = 8;

function readText(text: string, run: NamedRun | undefined): RunValues | undefined {
  for (const [index, layout] of layouts.entries()) {
    const values = layout.read(text, run);
    if (values === undefined) continue;
    layouts.unshift(...layouts.splice(index, 1));
    return values;
  }
  const values = parseScalars(text, run);
  const layout = values && ScalarLayout.of(text, values);
  if (layout !== undefined) layouts.unshift(layout);
  layouts.splice(MOST_LAYOUTS);
  return values;
}

/** Returns the numbers that a run has recorded, from the text of a scalar file, as `readScalarFile` does. */
export function parseScalars(text: string, run?: NamedRun): RunValues | undefined {
  const parser = new TextParser(run, undefined);
  const splitter = new LineSplitter((line) => parser.take(line));
  splitter.write(text);
  splitter.end();
  return parser.end(false);
}

interface ReadStatistic extends Statistic {
  fields: [name: string, value: number][];
}

/**
 * Parses the lines of a scalar file in text. Lines that are malformed, unknown or too long are ignored.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats".
 */
class TextParser {
  readonly #run: WantedRun;
  /** The last wanted run. */
  #last: ItemCollector | undefined;
  /** The current run; undefined if it is not wanted, or while its attributes are read. */
  #items: ItemCollector | undefined;
  /** Receives the unit of the current item. */
  #onUnit: ((unit: string) => void) | undefined;
  /** The statistic whose fields are being read: its unit comes after them. */
  #statistic: ReadStatistic | undefined;

  constructor(wanted: NamedRun | undefined, most: number | undefined) {
    this.#run = new WantedRun(wanted, () => (this.#items = this.#last = new ItemCollector(most)));
  }

  take(line: string): void {
    if (line.length >= MAX_LINE_LENGTH) return this.#skipLong(line); // truncated by LineSplitter
    const isLine = (keyword: string): boolean =>
      line.startsWith(keyword) && /\s/.test(line[keyword.length] ?? "");
    // lines of histograms, which nearly all are, are skipped by their first letter
    switch (line[0]) {
      case "s":
        if (isLine("scalar")) this.#takeScalar(wordsOf(line, 4));
        else if (isLine("statistic")) this.#takeStatistic(wordsOf(line, 3));
        return;
      case "f":
        if (isLine("field")) this.#takeField(wordsOf(line, 3));
        return;
      case "a":
        if (isLine("attr")) this.#takeAttribute(line);
        return;
      case "p":
        if (isLine("par")) this.#takeParameter(wordsOf(line, 4));
        return;
      case "r":
        if (isLine("run")) this.#beginRun();
        return;
      default:
        return;
    }
  }

  /** Returns the items of the last wanted run. @param isCut the file was not read to its end. */
  end(isCut: boolean): RunValues | undefined {
    this.#flush();
    this.#collector();
    if (isCut) this.#last?.omit(1);
    return this.#last?.result();
  }

  #skipLong(line: string): void {
    if (/^(?:scalar|statistic|par)\s/.test(line)) this.#collector()?.omit(1);
  }

  #takeScalar([, module, name, text]: readonly string[]): void {
    this.#flush();
    const value = numberIn(text ?? "");
    if (value === undefined) return;
    const item = this.#collector()?.add("scalar", module!, name!, value);
    this.#onUnit = item && ((unit) => (item.unit = unit));
  }

  #takeParameter([, module, name, text]: readonly string[]): void {
    this.#flush();
    if (text !== undefined) this.#collector()?.addParameter(module!, name!, text);
  }

  #takeStatistic([, module, name]: readonly string[]): void {
    this.#flush();
    if (name === undefined || this.#collector() === undefined) return;
    const statistic: ReadStatistic = { module: module!, name, unit: null, fields: [] };
    this.#statistic = statistic;
    this.#onUnit = (unit) => (statistic.unit = unit);
  }

  #takeField([, name, text]: readonly string[]): void {
    const value = numberIn(text ?? "");
    if (value === undefined || this.#statistic === undefined) return;
    // a hostile file may have any number of fields
    if (this.#statistic.fields.length < MOST_FIELDS) this.#statistic.fields.push([name!, value]);
    else this.#items?.omit(1);
  }

  #beginRun(): void {
    this.#flush();
    this.#items = undefined;
    this.#run.next();
  }

  #takeAttribute(line: string): void {
    if (!this.#run.isBeforeItems && !line.includes("unit")) return;
    const [, name, value] = wordsOf(line, 3);
    if (value === undefined) return;
    if (name === "unit" && value.length <= LONGEST_UNIT) this.#onUnit?.(value);
    this.#run.addAttribute(name!, value);
  }

  /** Adds the current statistic, which ends. */
  #flush(): void {
    const statistic = this.#statistic;
    this.#onUnit = undefined;
    this.#statistic = undefined;
    if (statistic === undefined) return;
    for (const [field, value] of statistic.fields) this.#items?.addField(statistic, field, value);
  }

  /** Returns what collects the items of the current run; undefined if it is not wanted. */
  #collector(): ItemCollector | undefined {
    this.#run.hasItem();
    return this.#items;
  }
}

/** OMNeT++ writes eleven fields. */
const MOST_FIELDS = 100;
const LONGEST_UNIT = 100;
