import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { counted, count, duration } from "../base/format.ts";
import { parameters, setParameters } from "../base/location.tsx";
import type { CampaignData } from "../campaign-data.ts";
import { RunDrawer } from "../runs/run-drawer.tsx";
import { MOST_LANES } from "./lane-layout.ts";
import type { IdleTail } from "./idle-tail.ts";
import { LaneTable } from "./lane-table.tsx";
import { exactTime } from "./span-text.ts";
import { lengthOf } from "./spans.ts";
import { zoomed } from "./time-axis.ts";
import { showPeriod, useTimeline, type TimelineData } from "./timeline-data.ts";
import { TimelineFigure } from "./timeline-figure.tsx";
import { QUANTITIES } from "./usage.ts";

/** When the runs of a campaign were executed, and on which runner slots. */
export function TimelineView({ campaign }: { campaign: CampaignData }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const data = useTimeline(campaign);
  const chosen = parameters.value.get("run");
  const row =
    chosen === null ? undefined : campaign.rows.value.find(({ runNumber }) => `${runNumber}` === chosen);
  const close = (): void => {
    setParameters({ run: undefined });
    place.current?.focus();
  };
  return (
    <section aria-label="timeline" class="timeline-view">
      {data.lanes.length === 0 ? (
        <p class="empty-figure" role="status">
          No run of this campaign has started yet, or its times are not known.
        </p>
      ) : (
        <>
          <Facts data={data} />
          <ZoomBar data={data} />
          <TimelineFigure campaign={campaign} data={data} place={place} />
          <Explanation data={data} />
          <LaneTable lanes={data.lanes} all={data.all} />
        </>
      )}
      {row !== undefined && <RunDrawer key={row.runNumber} campaign={campaign} row={row} close={close} />}
    </section>
  );
}

function Facts({ data }: { data: TimelineData }): JSX.Element {
  const { lanes, all, tail, longest, spans } = data;
  const machines = new Set(lanes.map(({ machine }) => machine)).size;
  const busy = spans.reduce((sum, span) => sum + lengthOf(span), 0);
  const share = Math.round((100 * busy) / (lanes.length * (all.to - all.from)));
  return (
    <div class="timeline-facts">
      <p>
        {`${counted(lanes.length, "slot")} on ${counted(machines, "machine")}, busy ${share} % of ${duration(all.to - all.from)}.`}
      </p>
      {tail !== undefined && <TailFacts tail={tail} slots={lanes.length} />}
      {longest.length > 0 && spans.length > 1 && (
        <p>
          <i class="longest-mark" aria-hidden="true" />
          {"Longest: "}
          {longest.map((span) => (
            <span key={span.row.runNumber} class="longest">
              <RunButton run={span.row.runNumber} />
              {` ${duration(lengthOf(span))}`}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

function TailFacts({ tail, slots }: { tail: IdleTail; slots: number }): JSX.Element {
  const { start, idle, isOver, last } = tail;
  const others = isOver ? 0 : slots - idle - 1;
  return (
    <p>
      <i class="tail-mark" aria-hidden="true" />
      {`Idle tail: ${duration(lengthOf(tail))} ${isOver ? "" : "so far "}(since ${exactTime(start)}), in which ${idle} of ${counted(
        slots,
        "slot",
      )} had no more runs; ${isOver ? "the last run was" : "still running:"} `}
      <RunButton run={last.row.runNumber} />
      {others > 0 ? ` and ${counted(others, "other")}.` : "."}
    </p>
  );
}

function RunButton({ run }: { run: number }): JSX.Element {
  return (
    <button type="button" class="inline" onClick={() => setParameters({ run: `${run}` }, { push: true })}>
      {`run #${run}`}
    </button>
  );
}

function ZoomBar({ data }: { data: TimelineData }): JSX.Element {
  const { shown, all, isZoomed } = data;
  return (
    <div class="bar-line">
      <button type="button" onClick={() => showPeriod(zoomed(shown, all, 0.5), data)}>
        Zoom in
      </button>
      <button type="button" disabled={!isZoomed} onClick={() => showPeriod(zoomed(shown, all, 2), data)}>
        Zoom out
      </button>
      <button type="button" disabled={!isZoomed} onClick={() => showPeriod(undefined, data)}>
        Whole campaign
      </button>
    </div>
  );
}

function Explanation({ data: { omitted, lanes } }: { data: TimelineData }): JSX.Element {
  return (
    <>
      {omitted > 0 && (
        <p class="note warning">{`${counted(omitted, "run")} without a known start or end: not shown.`}</p>
      )}
      {lanes.length > MOST_LANES && (
        <p class="note warning">{`Only the first ${count(MOST_LANES)} of ${counted(lanes.length, "slot")} are drawn.`}</p>
      )}
      <details>
        <summary>What is shown</summary>
        <ul class="help">
          <li>
            A bar is a run, in the colour of its state, as it was executed last. A machine has as many slots
            as its runs overlapped. Runs that are too short for a pixel are one bar, red if one of them has
            failed.
          </li>
          <li>The charts show means over the time of two pixels.</li>
          {QUANTITIES.map(({ title, explanation }) => (
            <li key={title}>{`${title}: ${explanation}.`}</li>
          ))}
        </ul>
      </details>
    </>
  );
}
