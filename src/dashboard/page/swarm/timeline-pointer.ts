import { useSignal, type Signal } from "@preact/signals";
import { spanAt } from "./bars.ts";
import { laneAt, type LaneLayout } from "./lane-layout.ts";
import type { Lane } from "./lanes.ts";
import type { Span } from "./spans.ts";
import { showPeriod, type TimelineData } from "./timeline-data.ts";
import type { Period } from "./usage.ts";

/** What the pointer or the keys have reached. */
export interface Hovered {
  run?: number;
  time?: number;
  isByKey?: boolean;
}

/** Where the lanes are drawn. */
export interface Drawn {
  lanes: readonly Lane[];
  layout: LaneLayout;
  period: Period;
  left: number;
  width: number;
}

interface Pointer {
  handlers: {
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: (event: PointerEvent) => void;
    onPointerLeave: () => void;
  };
  selection: Signal<Period | undefined>;
}

/** A run is reached within this distance. */
const NEAR_PX = 4;
/** A shorter movement is a click. */
const DRAG_PX = 6;

/** Hovering shows a run, a click opens it, and dragging with a mouse enlarges a part. */
export function useTimelinePointer(
  data: TimelineData,
  drawn: Drawn,
  hovered: Signal<Hovered>,
  open: (run: number) => void,
): Pointer {
  const selection = useSignal<Period | undefined>(undefined);
  const pressedAt = useSignal<number | undefined>(undefined);
  const cancel = (): void => void (selection.value = pressedAt.value = undefined);
  return {
    selection,
    handlers: {
      onPointerDown(event) {
        cancel();
        if (event.button === 0 && event.pointerType === "mouse") pressedAt.value = placeOf(event, drawn).x;
      },
      onPointerMove(event) {
        const { x } = placeOf(event, drawn);
        const time = timeAt(x, drawn);
        const pressed = pressedAt.peek();
        if (pressed !== undefined && Math.abs(x - pressed) > DRAG_PX) {
          const [from = 0, to = 0] = [timeAt(pressed, drawn), time].sort((a, b) => a - b);
          selection.value = { from, to };
        }
        const run = spanUnder(event, drawn)?.row.runNumber;
        hovered.value = { ...(run !== undefined && { run }), time };
      },
      onPointerUp(event) {
        const selected = selection.peek();
        cancel();
        if (selected !== undefined) return showPeriod(selected, data);
        const run = event.button === 0 ? spanUnder(event, drawn)?.row.runNumber : undefined;
        if (run !== undefined) open(run);
      },
      onPointerLeave() {
        cancel();
        hovered.value = {};
      },
    },
  };
}

/** Returns the place of the pointer in the figure, whose lanes may be scrolled. */
function placeOf(event: PointerEvent, { left }: Drawn): { x: number; y: number } {
  const element = event.currentTarget as HTMLElement;
  const box = element.getBoundingClientRect();
  const x = event.clientX - box.left - element.clientLeft;
  return { x: Math.max(left, x), y: event.clientY - box.top - element.clientTop + element.scrollTop };
}

function timeAt(x: number, { period: { from, to }, left, width }: Drawn): number {
  return from + ((Math.min(width, Math.max(left, x)) - left) / (width - left)) * (to - from);
}

function spanUnder(event: PointerEvent, drawn: Drawn): Span | undefined {
  const { x, y } = placeOf(event, drawn);
  const index = laneAt(drawn.layout, y);
  const lane = index === undefined ? undefined : drawn.lanes[index];
  const { period, left, width } = drawn;
  const nearMs = (NEAR_PX * (period.to - period.from)) / (width - left);
  return lane && spanAt(lane, timeAt(x, drawn), nearMs);
}
