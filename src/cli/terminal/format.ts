import { padColumns, textWidth } from "./text-width.ts";

/**
 * A duration in a person's units: `7 ms`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. What began in the future, by
 * the clock of another machine, began now.
 */
export function formatDuration(duration: number): string {
  const ms = Math.max(0, duration);
  if (ms < 100) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${pad(whole % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** `1 run`, `2 runs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

const SIZES = ["B", "KB", "MB", "GB", "TB"];

/** A size in a person's units, by thousands as disks are sold: `12 B`, `3.4 KB`, `70 MB`, `4.3 GB`. */
export function formatSize(bytes: number): string {
  return scaled(bytes, SIZES);
}

/** A large number in few characters: `950`, `12 k`, `1.3 M`. */
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

/** An estimate, no finer than it can be: `8 s`, `3 min 20 s`, `25 min`, `2 h 05 min`. */
export function formatEstimate(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 600) return formatDuration(Math.ceil(seconds / 10) * 10_000);
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return formatDuration(ms);
}

/** Columns as wide as their widest entry, two spaces between them. */
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

/** The first of some names, one a line, and how many more there are. */
export function shortList(names: readonly string[]): string {
  const lines = names.slice(0, LISTED).map((name) => `    ${name}`);
  if (names.length > LISTED) lines.push(`    … and ${names.length - LISTED} more`);
  return lines.join("\n");
}
