import { useSignal, type Signal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { setParameters } from "../base/location.tsx";
import type { CampaignData } from "../campaign-data.ts";
import { layoutOf, MOST_LANES } from "./lane-layout.ts";
import { HoverOverlay, LaneOverlay, LaneUnderlay } from "./lane-overlay.tsx";
import { placeOfRun, type Lane } from "./lanes.ts";
import { paintLanes, type Painting } from "./paint-lanes.ts";
import { exactTime, spanText } from "./span-text.ts";
import type { TimelineData } from "./timeline-data.ts";
import { timelineKeys } from "./timeline-keys.ts";
import { useTimelinePointer, type Hovered } from "./timeline-pointer.ts";
import { UsageCharts, usageText, useUsage, type Usage } from "./usage-charts.tsx";
import type { Period } from "./usage.ts";

interface FigureProps {
  campaign: CampaignData;
  data: TimelineData;
  place: RefObject<HTMLDivElement | null>;
}

/** Widths of the labels beside the lanes, in pixels. */
const LABELS_PX = 110;
const NARROW_LABELS_PX = 62;
const NARROW_PX = 600;

/** The bars of all slots, which can be reached with the pointer and with keys, and the usage below them. */
export function TimelineFigure({ campaign, data, place }: FigureProps): JSX.Element {
  const width = useWidth(place);
  const hovered = useSignal<Hovered>({});
  const left = width.value < NARROW_PX ? NARROW_LABELS_PX : LABELS_PX;
  const lanes = useMemo(() => data.lanes.slice(0, MOST_LANES), [data.lanes]);
  const layout = useMemo(() => layoutOf(lanes), [lanes]);
  const { isMatching, shown: period } = data;
  const plot = Math.max(1, width.value - left);
  const usages = useUsage(data.spans, period, plot);
  const open = (run: number): void => setParameters({ run: `${run}` }, { push: true });
  const drawn = { lanes, layout, period, left, width: width.value };
  const pointer = useTimelinePointer(data, drawn, hovered, open);
  return (
    <>
      <div
        ref={place}
        class="lanes"
        role="application"
        aria-label="Timeline of the runs on the slots of runners"
        aria-describedby="timeline-hint"
        tabIndex={0}
        onKeyDown={timelineKeys(data, lanes, hovered, open)}
        {...pointer.handlers}
      >
        {width.value > 0 && (
          <div class="lanes-inner" style={{ height: `${layout.height}px` }}>
            <LaneUnderlay {...drawn} data={data} />
            <Bars painting={{ ...drawn, isMatching }} />
            <LaneOverlay {...drawn} data={data} />
            <HoverOverlay drawn={drawn} hovered={hovered} selection={pointer.selection} />
          </div>
        )}
      </div>
      {width.value > 0 && <UsageCharts usages={usages} drawn={drawn} hovered={hovered} />}
      <HoverText lanes={lanes} usages={usages} period={period} hovered={hovered} campaign={campaign} />
      <p id="timeline-hint" class="help">
        Keys: arrows move between runs and slots, Enter opens the run, + and − zoom, 0 shows all. Drag to
        zoom.
      </p>
    </>
  );
}

interface TextProps {
  lanes: readonly Lane[];
  usages: readonly Usage[];
  period: Period;
  hovered: Signal<Hovered>;
  campaign: CampaignData;
}

/** The run or the usage that the pointer or the keys have reached. */
function HoverText({ lanes, usages, period, hovered, campaign }: TextProps): JSX.Element {
  const { run, time, isByKey } = hovered.value;
  const found = run === undefined ? undefined : placeOfRun(lanes, run);
  const usage = time === undefined ? "" : `${exactTime(time)}: ${usageText(usages, period, time)}`;
  return (
    <p class="hovered" aria-live={isByKey === true ? "polite" : "off"}>
      {found === undefined ? usage : spanText(found.span, lanes[found.index]!, campaign.variables.value)}
    </p>
  );
}

function useWidth(place: RefObject<HTMLDivElement | null>): Signal<number> {
  const width = useSignal(0);
  useLayoutEffect(() => {
    const measure = (): void => void (width.value = place.current?.clientWidth ?? 0);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  return width;
}

function Bars({ painting }: { painting: Painting }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { lanes, layout, period, left, width, isMatching } = painting;
  const paint = (): void => paintLanes(canvas.current!, painting);
  useLayoutEffect(paint, [lanes, layout, period.from, period.to, left, width, isMatching]);
  useEffect(() => {
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", paint);
    return () => theme.removeEventListener("change", paint);
  });
  return <canvas ref={canvas} aria-hidden="true" />;
}
