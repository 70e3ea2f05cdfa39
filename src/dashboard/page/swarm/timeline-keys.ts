import type { Signal } from "@preact/signals";
import { spanAt } from "./bars.ts";
import { placeOfRun, type Lane } from "./lanes.ts";
import type { Span } from "./spans.ts";
import { zoomed } from "./time-axis.ts";
import { showPeriod, type TimelineData } from "./timeline-data.ts";
import type { Hovered } from "./timeline-pointer.ts";

/** Returns the handler of keys on the timeline: they move to another run, open it, or change what is shown. */
export function timelineKeys(
  data: TimelineData,
  lanes: readonly Lane[],
  hovered: Signal<Hovered>,
  open: (run: number) => void,
): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { run } = hovered.value;
    const current = run === undefined ? undefined : placeOfRun(lanes, run);
    const around = current && middleOf(current.span);
    if (event.key === "Enter" && run !== undefined) open(run);
    else if (event.key === "+") showPeriod(zoomed(data.shown, data.all, 0.5, around), data);
    else if (event.key === "-") showPeriod(zoomed(data.shown, data.all, 2, around), data);
    else if (event.key === "0") showPeriod(undefined, data);
    else if (event.key === "Escape") hovered.value = {};
    else {
      const next = moved(event.key, lanes, current, data);
      if (next === undefined) return;
      hovered.value = { run: next.row.runNumber, isByKey: true };
      showSpan(next, data);
    }
    event.preventDefault();
  };
}

/** Returns the run to which a key leads; undefined if it does not move. */
function moved(
  key: string,
  lanes: readonly Lane[],
  current: ReturnType<typeof placeOfRun>,
  { shown }: TimelineData,
): Span | undefined {
  if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(key)) return undefined;
  if (current === undefined) return lanes[0] && spanAt(lanes[0], shown.from);
  const { index, at, span } = current;
  const { spans } = lanes[index]!;
  const other = key === "ArrowUp" ? lanes[index - 1] : lanes[index + 1];
  if (key === "ArrowUp" || key === "ArrowDown")
    return other === undefined ? span : spanAt(other, middleOf(span));
  const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: spans.length - 1 }[key] ?? at;
  return spans[Math.min(spans.length - 1, Math.max(0, target))];
}

function middleOf({ start, end }: Span): number {
  return (start + end) / 2;
}

/** Moves what is shown so that it contains a run. */
function showSpan(span: Span, data: TimelineData): void {
  const { from, to } = data.shown;
  if (span.end >= from && span.start <= to) return;
  const start = Math.max(data.all.from, middleOf(span) - (to - from) / 2);
  showPeriod({ from: start, to: start + to - from }, data);
}
