import type { ResultItem, RunValues } from "../model/result-item.ts";
import { inBaseUnit, numberIn, quantityIn } from "../model/quantities.ts";
import { unquoted } from "./quoted-text.ts";
import { isField, isWanted, type NamedRun } from "./run-values.ts";

type Value = { type: "number"; isKept: boolean } | { type: "parameter"; unit: string | undefined };

/** A line that recurs in the files of all runs: its text, without the value at its end. */
interface Line {
  text: string;
  value?: Value;
}

const KEYWORDS = ["scalar", "statistic", "field", "par", "run"] as const;
const WORD = /\s*("(?:[^"\\]|\\.)*"|\S+)\s*/y;

/**
 * The lines of a scalar file in text except for their values. The files of most runs of a config differ only in these:
 * comparing the lines with those of an earlier file takes less than half of the time of parsing them.
 */
export class ScalarLayout {
  readonly #lines: readonly Line[];
  readonly #items: readonly ResultItem[];

  private constructor(lines: readonly Line[], items: readonly ResultItem[]) {
    this.#lines = lines;
    this.#items = items;
  }

  /** Returns the layout of a file that has been parsed; undefined if its lines and items do not correspond. */
  static of(text: string, { items, omitted }: RunValues): ScalarLayout | undefined {
    const lines: Line[] = [];
    let [values, runs] = [0, 0];
    for (const line of text.split("\n")) {
      if (!isSignificant(line, 0)) continue;
      const found = lineOf(line);
      if (found === undefined) return undefined;
      // a copy of its own: a part of the long text would be slower to compare, and keep all of it in memory
      lines.push({ ...found, text: Buffer.from(found.text).toString() });
      if (hasItem(found.value)) values++;
      if (line.startsWith("run")) runs++;
    }
    return runs === 1 && omitted === 0 && values === items.length
      ? new ScalarLayout(lines, items)
      : undefined;
  }

  /** Returns the values of a run; undefined if the file has another layout, or may contain another run. */
  read(text: string, wanted: NamedRun | undefined): RunValues | undefined {
    const values = new Float64Array(this.#items.length);
    const attributes = new Map<string, string>();
    let [lines, filled] = [0, 0];
    for (let start = 0, end: number; start < text.length; start = end + 1) {
      const newline = text.indexOf("\n", start);
      end = newline < 0 ? text.length : newline;
      const line = this.#lines[lines];
      if (line === undefined || !text.startsWith(line.text, start)) {
        if (isSignificant(text, start)) return undefined;
        if (filled === 0 && text.startsWith("attr", start)) addAttribute(attributes, text.slice(start, end));
        continue;
      }
      lines++;
      const rest = text.slice(start + line.text.length, end);
      if (line.value === undefined) {
        if (!isRun(line) && rest.trim() !== "") return undefined;
        continue;
      }
      const value = valueIn(rest, line.value);
      if (value === undefined) return undefined;
      if (hasItem(line.value)) values[filled++] = value;
    }
    const isSame = lines === this.#lines.length && isWanted(attributes, wanted);
    return isSame ? { items: this.#items, values, omitted: 0 } : undefined;
  }
}

/** Returns whether a line matters: others are those of histograms, and attributes except for units. */
function isSignificant(text: string, start: number): boolean {
  switch (text[start]) {
    case "s":
    case "f":
    case "p":
    case "r":
      return KEYWORDS.some((word) => text.startsWith(word, start));
    case "a":
      return text.startsWith("attr unit", start) || text.startsWith('attr "unit', start);
    default:
      return false;
  }
}

function lineOf(line: string): Line | undefined {
  const keyword = line.split(/\s/, 1)[0];
  if (keyword === "run") return { text: "run" };
  if (keyword === "statistic" || keyword === "attr") return { text: line.trimEnd() };
  const words = keyword === "field" ? 2 : keyword === "scalar" || keyword === "par" ? 3 : undefined;
  if (words === undefined) return { text: line.trimEnd() }; // `param`
  WORD.lastIndex = 0;
  let name = "";
  for (let index = 0; index < words; index++) {
    name = WORD.exec(line)?.[1] ?? "";
    if (name === "") return undefined;
  }
  const text = line.slice(0, WORD.lastIndex);
  const rest = line.slice(WORD.lastIndex).trim();
  if (keyword === "par") return { text, value: { type: "parameter", unit: unitOf(rest) } };
  const isKept = keyword === "scalar" || isField(unquoted(name));
  return numberIn(rest) === undefined ? undefined : { text, value: { type: "number", isKept } };
}

function isRun({ text }: Line): boolean {
  return text === "run";
}

function hasItem(value: Value | undefined): boolean {
  return value?.type === "number" ? value.isKept : value?.unit !== undefined;
}

/** Returns the base unit of a numeric parameter; undefined for others. */
function unitOf(text: string): string | undefined {
  const quantity = quantityIn(unquoted(text));
  return quantity && inBaseUnit(quantity).unit;
}

/** Returns the value at the end of a line, 0 if it does not matter; undefined if it is of another kind. */
function valueIn(rest: string, value: Value): number | undefined {
  if (value.type === "number") return numberIn(rest.trim());
  const quantity = quantityIn(unquoted(rest.trim()));
  const base = quantity && inBaseUnit(quantity);
  if (base?.unit !== value.unit) return undefined;
  return base === undefined ? 0 : base.value;
}

const ATTRIBUTE = /^attr\s+(\S+)\s+(.*?)\s*$/;

function addAttribute(attributes: Map<string, string>, line: string): void {
  const [, name, value] = ATTRIBUTE.exec(line) ?? [];
  if (name !== undefined) attributes.set(unquoted(name), unquoted(value!));
}
