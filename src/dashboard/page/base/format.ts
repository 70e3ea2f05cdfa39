import type { Summary } from "../../../model/dashboard.ts";

/** Returns a duration with its unit; an empty text if it is unknown. */
export function duration(ms: number | null | undefined): string {
  if (ms === undefined || ms === null) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`;
}

/** Returns an estimated duration: rounded up to whole seconds. */
export function estimate(ms: number): string {
  return ms < 60_000 ? `${Math.max(1, Math.ceil(ms / 1000))} s` : duration(ms);
}

export function size(bytes: number | null | undefined): string {
  if (bytes === undefined || bytes === null) return "";
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Number of significant digits that a reader needs, and the number that a double has. */
const DIGITS = 4;
const MOST_DIGITS = 15;

/** Returns a value with about four significant digits; an empty text if it is unknown. */
export function amount(value: number | null | undefined): string {
  return value === undefined || value === null ? "" : withDigits(value, DIGITS);
}

function withDigits(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e12))
    return value.toExponential(digits - 2).replace(/\.?0*e/, "e");
  if (Math.abs(value) >= 1e6)
    return value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: digits - 1 });
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: digits + 2 });
}

/** Returns values with as few digits as distinguish them, as at the ticks of an axis. */
export function amounts(values: readonly number[]): string[] {
  for (let digits = DIGITS; ; digits++) {
    const texts = values.map((value) => withDigits(value, digits));
    if (digits === MOST_DIGITS || new Set(texts).size === new Set(values).size) return texts;
  }
}

/** Returns a mean with its half-width, to whose first two digits it is rounded. */
export function interval(mean: number, halfWidth: number): string {
  const size = Math.abs(mean);
  const places = Math.floor(Math.log10(size)) - Math.floor(Math.log10(halfWidth));
  const needed = places + 2 + (size >= 0.001 && size < 1e6 ? 0 : 1);
  const digits = Number.isFinite(needed) ? Math.min(MOST_DIGITS, Math.max(DIGITS, needed)) : DIGITS;
  return `${withDigits(mean, digits)} ± ${amount(halfWidth)}`;
}

/** Number of significant digits of a measured value: more are those of binary fractions. */
const EXACT_DIGITS = 12;

/** Returns a number with all digits that may have been recorded. */
export function exact(value: number): string {
  return String(Number(value.toPrecision(EXACT_DIGITS)));
}

/** Returns a value with its unit, if it has one. */
export function withUnit(value: string, unit: string | null): string {
  return unit === null ? value : `${value} ${unit}`;
}

/** Returns the title of a quantity with its unit, if it has one. */
export function titleWithUnit(title: string, unit: string | null): string {
  return unit === null ? title : `${title} [${unit}]`;
}

/** Returns an integer with all digits, in groups. */
export function count(number: number): string {
  return number.toLocaleString("en");
}

/** Returns a number of things: `1 run`, `2 runs`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Returns runs and events per time. */
export function rate({
  runsPerSecond,
  eventsPerSecond,
}: Pick<Summary, "runsPerSecond" | "eventsPerSecond">): string {
  const runs = runsPerSecond === undefined ? "" : runRate(runsPerSecond);
  const events = eventsPerSecond === undefined ? "" : `${amount(eventsPerSecond)} ev/s`;
  return [runs, events].filter((text) => text !== "").join(", ");
}

function runRate(runsPerSecond: number): string {
  const [runs, unit] = runsPerSecond >= 1 ? [runsPerSecond, "s"] : [runsPerSecond * 60, "min"];
  return `${amount(Number(runs.toPrecision(2)))} runs/${unit}`;
}
