import type { Lane } from "./lanes.ts";
import type { Span } from "./spans.ts";

/** The end of a campaign, in which some slots had no more runs while others were still busy. */
export interface IdleTail {
  /** When the first slot became idle for good. */
  start: number;
  /** When the last run ended; the present time while one is running. */
  end: number;
  /** Whether all runs have ended. */
  isOver: boolean;
  /** Number of slots that became idle before the end. */
  idle: number;
  /** Sum of the times in which slots were idle, in ms. */
  idleMs: number;
  /** The run that ended last, or one of those that are running. */
  last: Span;
}

/** A slot may become idle for good shortly before the last run starts: the start of a run takes some time. */
const START_MS = 5000;
const START_PART = 0.05;

/**
 * Returns the idle tail of a campaign; undefined if runs are waiting, or if there is only one slot. Before the last run
 * has started, no slot is idle for good: there was work for it. A slot without runs since then had other reasons, such
 * as a machine that was removed, or runs that were retried later.
 * @param waiting number of queued runs.
 */
export function idleTailOf(lanes: readonly Lane[], waiting: number): IdleTail | undefined {
  if (waiting > 0 || lanes.length < 2) return undefined;
  const { firstStart, lastStart, last, isOver } = extremesOf(lanes);
  if (last === undefined) return undefined;
  const { end } = last;
  const slack = Math.min(START_MS, START_PART * (end - firstStart));
  const ended = lanes.filter((lane) => !isBusy(lane) && lane.end >= lastStart - slack && lane.end < end);
  if (ended.length === 0) return undefined;
  const start = ended.reduce((least, lane) => Math.min(least, lane.end), Infinity);
  const idleMs = ended.reduce((sum, lane) => sum + end - lane.end, 0);
  return { start, end, isOver, idle: ended.length, idleMs, last };
}

function isBusy({ spans }: Lane): boolean {
  return spans.some(({ isRunning }) => isRunning);
}

interface Extremes {
  firstStart: number;
  lastStart: number;
  last: Span | undefined;
  isOver: boolean;
}

function extremesOf(lanes: readonly Lane[]): Extremes {
  const extremes: Extremes = { firstStart: Infinity, lastStart: -Infinity, last: undefined, isOver: true };
  for (const { spans } of lanes)
    for (const span of spans) {
      extremes.firstStart = Math.min(extremes.firstStart, span.start);
      extremes.lastStart = Math.max(extremes.lastStart, span.start);
      if (span.isRunning) extremes.isOver = false;
      const { last } = extremes;
      if (last === undefined || span.end > last.end || (span.end === last.end && span.start < last.start))
        extremes.last = span;
    }
  return extremes;
}
