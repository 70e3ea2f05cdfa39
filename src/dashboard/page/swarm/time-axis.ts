import type { Period } from "./usage.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((step) => step * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((step) => step * MINUTE),
  ...[1, 2, 3, 6, 12].map((step) => step * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100].map((step) => step * DAY),
];

/** Returns the times of at most a number of marks on a time axis, at round times of the local clock, and their distance. */
export function timeTicks(
  { from, to }: Period,
  most: number,
  offsetMs = -MINUTE * new Date(from).getTimezoneOffset(),
): { times: number[]; stepMs: number } {
  const stepMs =
    STEPS.find((step) => (to - from) / step <= most) ?? Math.ceil((to - from) / most / DAY) * DAY;
  const times: number[] = [];
  const first = Math.ceil((from + offsetMs) / stepMs) * stepMs - offsetMs;
  for (let time = first; time <= to; time += stepMs) times.push(time);
  return { times, stepMs };
}

/** Returns the label of a mark. */
export function tickLabel(time: number, stepMs: number): string {
  const date = new Date(time);
  if (stepMs >= DAY) return date.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  if (stepMs >= MINUTE) return date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  if (stepMs < SECOND) options.fractionalSecondDigits = 3;
  return date.toLocaleTimeString(undefined, options);
}

/** Returns a clock time, with the day unless it is today. */
export function clockTime(time: number, now: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  const isSoon = time - now < 6 * DAY;
  const day: Intl.DateTimeFormatOptions = isSoon ? { weekday: "short" } : { day: "numeric", month: "short" };
  return `${date.toLocaleDateString(undefined, day)} ${clock}`;
}

/** The shortest period to which a timeline can be enlarged. */
const SHORTEST_MS = 10;

/** Returns a part of a period that is as long as another one, times a factor, around a time. */
export function zoomed(
  shown: Period,
  all: Period,
  factor: number,
  around = (shown.from + shown.to) / 2,
): Period {
  const length = Math.min(all.to - all.from, Math.max(SHORTEST_MS, (shown.to - shown.from) * factor));
  const part = (around - shown.from) / (shown.to - shown.from);
  const from = Math.min(all.to - length, Math.max(all.from, around - part * length));
  return { from, to: from + length };
}

/** Returns the period in a parameter of the URL, in seconds after a time; undefined if there is none. */
export function periodIn(text: string | null, start: number): Period | undefined {
  const [, from, to] = /^(\d{1,9}(?:\.\d{1,3})?)-(\d{1,9}(?:\.\d{1,3})?)$/.exec(text ?? "") ?? [];
  if (from === undefined || to === undefined || Number(from) >= Number(to)) return undefined;
  return { from: start + 1000 * Number(from), to: start + 1000 * Number(to) };
}

/** Returns a period as a parameter of the URL. */
export function periodText({ from, to }: Period, start: number): string {
  const seconds = (time: number): string => String(Number(Math.max(0, (time - start) / 1000).toFixed(3)));
  return `${seconds(from)}-${seconds(to)}`;
}
