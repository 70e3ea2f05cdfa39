import { kindOf } from "../base/states.ts";
import type { Lane } from "./lanes.ts";
import { lengthOf, type Span } from "./spans.ts";
import type { Period } from "./usage.ts";

/** A rectangle on a lane, in pixels: a run, or several that are too short to be distinguished. */
export interface Bar {
  left: number;
  width: number;
  /** The kind of its state; of several runs, that of the most important one. */
  kind: string;
  /** Whether it has a run that matches the filter. */
  isMatching: boolean;
  /** Number of runs. */
  runs: number;
  /** Number of the first run. */
  runNumber: number;
}

/** Failures are never hidden by other runs. */
const IMPORTANCE = ["failed", "running", "limited", "cancelled", "done"];

function importance(kind: string): number {
  const index = IMPORTANCE.indexOf(kind);
  return index < 0 ? IMPORTANCE.length : index;
}

/** Space between two runs that are wide enough for it, in pixels. */
const GAP_PX = 1;
const WITH_GAP_PX = 4;

/** Returns the bars of a lane in a period: at most one for each pixel. */
export function barsOf(
  { spans }: Pick<Lane, "spans">,
  { from, to }: Period,
  width: number,
  isMatching: (span: Span) => boolean,
): Bar[] {
  const perMs = width / (to - from);
  const bars: Bar[] = [];
  for (const span of spans) {
    if (span.end < from || span.start > to) continue;
    const left = Math.max(0, Math.min(width - 1, Math.floor((span.start - from) * perMs)));
    const right = Math.min(width, Math.max(left + 1, Math.round((span.end - from) * perMs)));
    const bar = {
      left,
      width: right - left,
      kind: kindOf(span.row.state),
      isMatching: isMatching(span),
      runs: 1,
      runNumber: span.row.runNumber,
    };
    const before = bars.at(-1);
    const overlap = before === undefined ? 0 : before.left + before.width - left;
    if (before?.width !== 1 || overlap <= 0) bars.push(bar);
    else if (bar.width === 1) merge(before, bar);
    else bars.push({ ...bar, left: left + overlap, width: bar.width - overlap });
  }
  for (const bar of bars) if (bar.width >= WITH_GAP_PX) bar.width -= GAP_PX;
  return bars;
}

function merge(bar: Bar, other: Bar): void {
  const isMore =
    bar.isMatching === other.isMatching ? importance(other.kind) < importance(bar.kind) : other.isMatching;
  if (isMore) [bar.kind, bar.isMatching] = [other.kind, other.isMatching];
  bar.runs += other.runs;
}

/** Returns the run of a lane that is nearest to a time. @param withinMs greatest distance. */
export function spanAt({ spans }: Pick<Lane, "spans">, time: number, withinMs = Infinity): Span | undefined {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.start <= time) low = middle + 1;
    else high = middle;
  }
  const distance = ({ start, end }: Span): number => Math.max(0, start - time, time - end);
  const near = spans
    .slice(Math.max(0, low - 2), low + 1)
    .sort((a, b) => distance(a) - distance(b) || lengthOf(a) - lengthOf(b));
  return near[0] !== undefined && distance(near[0]) <= withinMs ? near[0] : undefined;
}
