import type { Row } from "../base/data.ts";

/** The time in which a run, or a batch that is still running, was executed. Times are in ms since 1970. */
export interface Span {
  row: Row;
  start: number;
  /** Infinity while it is running, or, after `until`, the present time. */
  end: number;
  isRunning: boolean;
  /** Number of runs: more than 1 for a running batch, which is shown as its first run. */
  runs: number;
}

/** Returns the duration of a span in ms. */
export function lengthOf({ start, end }: Pick<Span, "start" | "end">): number {
  return end - start;
}

/**
 * Returns when each run was executed, and the number of executed runs without known times. Runs that have not been
 * executed have none: queued ones, those that were cancelled before they started, and those that wait in a batch.
 */
export function spansOf(rows: readonly Row[]): { spans: Span[]; omitted: number } {
  const batched = new Set(
    rows.flatMap(({ state, batch }) => (state === "running" && batch !== null ? batch : [])),
  );
  const spans: Span[] = [];
  let omitted = 0;
  for (const row of rows) {
    if (row.state === "queued" || (row.state === "running" && batched.has(row.runNumber))) continue;
    const span = row.state === "running" ? runningSpan(row) : endedSpan(row);
    if (span === undefined) omitted++;
    else if (span !== "not executed") spans.push(span);
  }
  return { spans, omitted };
}

function runningSpan(row: Row): Span | undefined {
  const { startedAt: start, batch } = row;
  if (!isTime(start)) return undefined;
  return { row, start, end: Infinity, isRunning: true, runs: 1 + (batch?.length ?? 0) };
}

function endedSpan(row: Row): Span | "not executed" | undefined {
  const { startedAt, finishedAt, wallTimeMs } = row;
  if (wallTimeMs === 0 || (row.state === "cancelled" && startedAt === null)) return "not executed";
  const length = wallTimeMs ?? undefined;
  const known = {
    start: isTime(startedAt) ? startedAt : undefined,
    end: isTime(finishedAt) ? finishedAt : undefined,
  };
  const start =
    known.start ?? (known.end !== undefined && length !== undefined ? known.end - length : undefined);
  if (start === undefined) return undefined;
  const end = known.end ?? (length === undefined ? undefined : start + length);
  if (end === undefined) return undefined;
  // the clock was set back meanwhile
  return { row, start, end: end < start ? start + (length ?? 0) : end, isRunning: false, runs: 1 };
}

function isTime(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}
