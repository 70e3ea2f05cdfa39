import { formatDuration } from "../../model/amounts.ts";
import { padColumns, textWidth, wrap } from "./text-width.ts";

export { count, dollars, formatDuration } from "../../model/amounts.ts";

const SIZES = ["B", "KB", "MB", "GB", "TB"];

/** Returns a size with a decimal unit: `12 B`, `3.4 KB`, `70 MB`, `4.3 GB`. */
export function formatSize(bytes: number): string {
  return scaled(bytes, SIZES);
}

/** Returns a number in short form: `950`, `12 k`, `1.3 M`. */
export function formatNumber(value: number): string {
  return scaled(value, ["", "k", "M", "G", "T"]).trimEnd();
}

function scaled(value: number, units: readonly string[]): string {
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]!}`;
}

/** Returns an estimated duration, rounded up: `8 s`, `3 min 20 s`, `25 min`, `2 h 05 min`. */
export function formatEstimate(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 600) return formatDuration(Math.ceil(seconds / 10) * 10_000);
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return formatDuration(ms);
}

/** Returns the lines of a table. Columns are as wide as their widest cell, with two spaces between them. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((all, row) => {
    row.forEach((cell, column) => (all[column] = Math.max(all[column] ?? 0, textWidth(cell))));
    return all;
  }, []);
  return rows.map((row) =>
    row
      .map((cell, column) => padColumns(cell, widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

/**
 * Returns the lines of a table that fits into a number of columns: cells are wrapped between words or, if that is not
 * enough, each row is a block with a line for each cell.
 * @param rows the first one is the head.
 */
export function fitTable(rows: readonly (readonly string[])[], columns: number): string[] {
  const whole = formatTable(rows);
  if (whole.every((line) => textWidth(line) <= columns)) return whole;
  const widths = narrowedWidths(rows, columns);
  if (widths === undefined) return stacked(rows, columns);
  return formatTable(rows.flatMap((row) => wrappedRow(row, widths)));
}

/** Returns the rows in which the wrapped cells of a row are printed. */
function wrappedRow(row: readonly string[], widths: readonly number[]): string[][] {
  const cells = row.map((cell, column) => wrap(cell, widths[column]!).split("\n"));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, index) => cells.map((lines) => lines[index] ?? ""));
}

/** Width to which a column of text may be narrowed: with a narrower one, it would have one word on each line. */
const NARROWEST = 16;

/** Returns widths with which all words of the cells fit into a table; undefined if there are none. */
function narrowedWidths(rows: readonly (readonly string[])[], columns: number): number[] | undefined {
  const widest = (measure: (cell: string) => number): number[] =>
    rows[0]!.map((_, column) => Math.max(...rows.map((row) => measure(row[column] ?? ""))));
  const widths = widest(textWidth);
  const longestWord = (cell: string): number => Math.max(...cell.split(" ").map(textWidth));
  const least = widest((cell) => Math.max(longestWord(cell), Math.min(textWidth(cell), NARROWEST)));
  const total = (): number => widths.reduce((sum, width) => sum + width + 2, -2);
  while (total() > columns) {
    const slack = widths.map((width, column) => width - least[column]!);
    const most = Math.max(...slack);
    if (most <= 0) return undefined;
    widths[slack.indexOf(most)]! -= 1;
  }
  return widths;
}

/** Returns a block of lines for each row below the head, which names the cells. */
function stacked([head = [], ...rows]: readonly (readonly string[])[], columns: number): string[] {
  return rows.flatMap((row) =>
    row.flatMap((cell, column) => {
      if (cell === "") return [];
      const line = column === 0 ? `${head[column]!} ${cell}` : `  ${head[column]!}: ${cell}`;
      return wrap(line, columns, "    ").split("\n");
    }),
  );
}

const LISTED = 10;

/** Returns the first names, one per line, and the number of further ones. */
export function shortList(names: readonly string[]): string {
  const lines = names.slice(0, LISTED).map((name) => `    ${name}`);
  if (names.length > LISTED) lines.push(`    … and ${names.length - LISTED} more`);
  return lines.join("\n");
}
