import { formatDuration } from "../../model/amounts.ts";
import { padColumns, textWidth } from "./text-width.ts";

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

const LISTED = 10;

/** Returns the first names, one per line, and the number of further ones. */
export function shortList(names: readonly string[]): string {
  const lines = names.slice(0, LISTED).map((name) => `    ${name}`);
  if (names.length > LISTED) lines.push(`    … and ${names.length - LISTED} more`);
  return lines.join("\n");
}
