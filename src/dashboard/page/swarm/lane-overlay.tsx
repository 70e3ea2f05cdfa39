import type { JSX } from "preact";
import { duration } from "../base/format.ts";
import type { LaneLayout } from "./lane-layout.ts";
import type { Lane } from "./lanes.ts";
import { lengthOf, type Span } from "./spans.ts";
import type { TimelineData } from "./timeline-data.ts";
import type { Period } from "./usage.ts";

interface OverlayProps {
  data: TimelineData;
  lanes: readonly Lane[];
  layout: LaneLayout;
  period: Period;
  left: number;
  width: number;
  active: { span: Span; index: number } | undefined;
  cursor: number | undefined;
  /** The part that is being selected. */
  selection: Period | undefined;
}

/** What is drawn over the bars: names, the longest runs, the idle tail, and what the pointer does. */
export function LaneOverlay(props: OverlayProps): JSX.Element {
  const { data, lanes, layout, left, width, active, cursor, selection, period } = props;
  const x = scaleOf(props);
  const { height, laneHeight, tops } = layout;
  const marked = data.longest.map((span) => ({
    span,
    index: lanes.findIndex((lane) => lane.spans.includes(span)),
  }));
  const box = ({ start, end }: Pick<Span, "start" | "end">, index: number) => ({
    x: x(start) - 1,
    y: tops[index]! - 1,
    width: Math.max(3, x(end) - x(start) + 1),
    height: laneHeight + 2,
  });
  const isShown = ({ start, end }: Pick<Span, "start" | "end">): boolean =>
    end >= period.from && start <= period.to;
  return (
    <svg class="overlay" width={width} height={height} aria-hidden="true">
      {data.tail !== undefined && isShown(data.tail) && <Tail {...props} tail={data.tail} />}
      {layout.labels.map(({ text, top, isMachine }) => (
        <text
          key={top}
          class={isMachine ? "machine-text" : "quiet-text"}
          x={isMachine ? 0 : left - 8}
          y={top + laneHeight / 2 + 4}
          text-anchor={isMachine ? "start" : "end"}
        >
          {isMachine ? shortened(text, left) : text}
        </text>
      ))}
      {data.spans.length > 1 &&
        marked
          .filter(({ span, index }) => index >= 0 && isShown(span))
          .map(({ span, index }) => (
            <rect key={span.row.runNumber} class="longest-box" {...box(span, index)} />
          ))}
      {active !== undefined && isShown(active.span) && (
        <rect class="active-box" {...box(active.span, active.index)} />
      )}
      {cursor !== undefined && <line class="cursor" x1={x(cursor)} x2={x(cursor)} y1={0} y2={height} />}
      {selection !== undefined && (
        <rect
          class="selection"
          x={x(selection.from)}
          y={0}
          width={x(selection.to) - x(selection.from)}
          height={height}
        />
      )}
    </svg>
  );
}

/** Returns a function from a time to its place, at the edge for times that are not shown. */
function scaleOf({ period: { from, to }, left, width }: OverlayProps): (time: number) => number {
  return (time) => left + ((Math.min(to, Math.max(from, time)) - from) / (to - from)) * (width - left);
}

/** Width of a character of a name, in pixels. */
const CHARACTER_PX = 7;

function shortened(text: string, width: number): string {
  const most = Math.floor((width - 8) / CHARACTER_PX);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Space for the name of the idle tail. */
const NAME_PX = 130;

function Tail(props: OverlayProps & { tail: NonNullable<TimelineData["tail"]> }): JSX.Element {
  const { tail, layout, left } = props;
  const x = scaleOf(props);
  const [from, to] = [x(tail.start), x(tail.end)];
  const isBefore = to - from < NAME_PX && from - left > NAME_PX;
  return (
    <g class="tail">
      <rect x={from} y={0} width={Math.max(1, to - from)} height={layout.height} />
      <line x1={from} x2={from} y1={0} y2={layout.height} />
      <text x={isBefore ? from - 4 : from + 4} y={14} text-anchor={isBefore ? "end" : "start"}>
        {`idle tail ${duration(lengthOf(tail))}`}
      </text>
    </g>
  );
}
