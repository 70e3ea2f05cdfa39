import type { ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { duration } from "../base/format.ts";
import { placeOfRun } from "./lanes.ts";
import { lengthOf, type Span } from "./spans.ts";
import type { TimelineData } from "./timeline-data.ts";
import type { Drawn, Hovered } from "./timeline-pointer.ts";
import type { Period } from "./usage.ts";

interface OverlayProps extends Drawn {
  data: TimelineData;
}

/** What is drawn below the bars: the time of the idle tail. */
export function LaneUnderlay(props: OverlayProps): JSX.Element | null {
  const { data, layout, width } = props;
  if (data.tail === undefined || !isShown(data.tail, props)) return null;
  const x = scaleOf(props);
  const left = x(data.tail.start);
  return (
    <svg class="overlay tail" width={width} height={layout.height} aria-hidden="true">
      <rect x={left} y={0} width={Math.max(1, x(data.tail.end) - left)} height={layout.height} />
    </svg>
  );
}

/** What is drawn over the bars: names, the longest runs and the idle tail. */
export function LaneOverlay(props: OverlayProps): JSX.Element {
  const { data, lanes, layout, left, width } = props;
  const { height, laneHeight, labels } = layout;
  const longest = data.spans.length > 1 ? data.longest : [];
  return (
    <svg class="overlay" width={width} height={height} aria-hidden="true">
      {data.tail !== undefined && isShown(data.tail, props) && <Tail {...props} tail={data.tail} />}
      {labels.map(({ text, top, isMachine }) => (
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
      {longest.map((span) => (
        <Outline
          key={span.row.runNumber}
          style="longest-box"
          span={span}
          index={lanes.findIndex((lane) => lane.spans.includes(span))}
          drawn={props}
        />
      ))}
    </svg>
  );
}

interface HoverProps {
  drawn: Drawn;
  hovered: ReadonlySignal<Hovered>;
  selection: ReadonlySignal<Period | undefined>;
}

/** What the pointer or the keys have reached. It is drawn again with each movement, the rest is not. */
export function HoverOverlay({ drawn, hovered, selection }: HoverProps): JSX.Element {
  const { layout, width } = drawn;
  const x = scaleOf(drawn);
  const { run, time } = hovered.value;
  const active = run === undefined ? undefined : placeOfRun(drawn.lanes, run);
  const selected = selection.value;
  return (
    <svg class="overlay" width={width} height={layout.height} aria-hidden="true">
      {active !== undefined && <Outline style="active-box" {...active} drawn={drawn} />}
      {time !== undefined && <line class="cursor" x1={x(time)} x2={x(time)} y1={0} y2={layout.height} />}
      {selected !== undefined && (
        <rect
          class="selection"
          x={x(selected.from)}
          y={0}
          width={x(selected.to) - x(selected.from)}
          height={layout.height}
        />
      )}
    </svg>
  );
}

/** A frame around a run, which is visible even if the run is narrower than a pixel. */
function Outline({
  style,
  span,
  index,
  drawn,
}: {
  style: string;
  span: Span;
  index: number;
  drawn: Drawn;
}): JSX.Element | null {
  const { tops, laneHeight } = drawn.layout;
  const top = tops[index];
  if (top === undefined || !isShown(span, drawn)) return null;
  const x = scaleOf(drawn);
  const [left, right] = [x(span.start), x(span.end)];
  return (
    <rect
      class={style}
      x={left - 1}
      y={top - 1}
      width={Math.max(3, right - left + 1)}
      height={laneHeight + 2}
    />
  );
}

function isShown({ start, end }: { start: number; end: number }, { period }: Drawn): boolean {
  return end >= period.from && start <= period.to;
}

/** Returns a function from a time to its place, at the edge for times that are not shown. */
function scaleOf({ period: { from, to }, left, width }: Drawn): (time: number) => number {
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
      <line x1={from} x2={from} y1={0} y2={layout.height} />
      <text x={isBefore ? from - 4 : from + 4} y={14} text-anchor={isBefore ? "end" : "start"}>
        {`idle tail ${duration(lengthOf(tail))}`}
      </text>
    </g>
  );
}
