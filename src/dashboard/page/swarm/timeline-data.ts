import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { now } from "../base/live.ts";
import { parameters, setParameters } from "../base/location.tsx";
import type { CampaignData } from "../campaign-data.ts";
import { swarmBrief } from "./brief.ts";
import { idleTailOf, type IdleTail } from "./idle-tail.ts";
import { lanesOf, longestOf, until, type Lane } from "./lanes.ts";
import { spansOf, type Span } from "./spans.ts";
import { periodIn, periodText } from "./time-axis.ts";
import type { Period } from "./usage.ts";

/** What the timeline of a campaign shows. */
export interface TimelineData {
  spans: readonly Span[];
  lanes: readonly Lane[];
  /** From the first start to the last end, or to the present. */
  all: Period;
  /** The part of it that is shown. */
  shown: Period;
  isZoomed: boolean;
  longest: readonly Span[];
  tail: IdleTail | undefined;
  /** Number of executed runs whose times are unknown. */
  omitted: number;
  isMatching: (span: Span) => boolean;
}

/** Number of the longest runs that are marked. */
const LONGEST = 3;
/** The time axis of a campaign without a duration. */
const LEAST_MS = 1000;

/** Returns the timeline of a campaign, which grows while runs are running. */
export function useTimeline(campaign: CampaignData): TimelineData {
  const rows = campaign.rows.value;
  const slots = useComputed(() => JSON.stringify(swarmBrief.value?.brief.slotsOf ?? {})).value;
  const { spans: found, omitted } = useMemo(() => spansOf(rows), [rows]);
  const placed = useMemo(() => lanesOf(found, JSON.parse(slots) as Record<string, number>), [found, slots]);
  const at = found.some(({ isRunning }) => isRunning) ? now.value : 0;
  const lanes = useMemo(() => until(placed, at), [placed, at]);
  const spans = useMemo(() => lanes.flatMap((lane) => lane.spans), [lanes]);
  const all = useMemo(() => periodOf(spans), [spans]);
  const longest = useMemo(() => longestOf(lanes, LONGEST), [lanes]);
  const { states = {}, reading } = campaign.summary.value ?? {};
  const waiting = (states["queued"] ?? 0) + (reading === undefined ? 0 : 1);
  const tail = useMemo(() => idleTailOf(lanes, waiting), [lanes, waiting]);
  const chosen = periodIn(parameters.value.get("t"), all.from);
  const shown = chosen !== undefined && chosen.from < all.to ? chosen : all;
  return {
    spans,
    lanes,
    all,
    shown,
    isZoomed: shown !== all,
    longest,
    tail,
    omitted,
    isMatching: useMatching(campaign),
  };
}

function useMatching(campaign: CampaignData): (span: Span) => boolean {
  const [rows, matching] = [campaign.rows.value, campaign.matching.value];
  return useMemo(() => {
    if (matching === rows) return () => true;
    const numbers = new Set(matching.map(({ runNumber }) => runNumber));
    return ({ row }: Span) => numbers.has(row.runNumber);
  }, [rows, matching]);
}

function periodOf(spans: readonly Span[]): Period {
  let [from, to] = [Infinity, -Infinity];
  for (const { start, end } of spans) [from, to] = [Math.min(from, start), Math.max(to, end)];
  return { from, to: Math.max(to, from + LEAST_MS) };
}

/** Shows a part of the timeline; undefined for all of it. */
export function showPeriod(period: Period | undefined, { all }: Pick<TimelineData, "all">): void {
  const isAll = period === undefined || (period.from <= all.from && period.to >= all.to);
  setParameters({ t: isAll ? undefined : periodText(period, all.from) });
}
