import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { count, counted, duration } from "../base/format.ts";
import { kindOf } from "../base/states.ts";
import type { Lane } from "./lanes.ts";
import { exactTime } from "./span-text.ts";
import { lengthOf } from "./spans.ts";
import type { Period } from "./usage.ts";

const MOST_ROWS = 500;

/** The timeline as a table: each slot with its runs, how long it was busy, and since when it is idle. */
export function LaneTable({ lanes, all }: { lanes: readonly Lane[]; all: Period }): JSX.Element {
  const isOpen = useSignal(false);
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>Table of slots</summary>
      {isOpen.value && <OpenTable lanes={lanes} all={all} />}
    </details>
  );
}

function OpenTable({ lanes, all }: { lanes: readonly Lane[]; all: Period }): JSX.Element {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="slots">
        <table>
          <thead>
            <tr>
              <th scope="col">Machine</th>
              {["Slot", "Runs", "Failed", "First start", "Last end", "Busy", "Busy share"].map((title) => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lanes.slice(0, MOST_ROWS).map((lane) => (
              <LaneRow key={`${lane.machine} ${lane.slot}`} lane={lane} all={all} />
            ))}
          </tbody>
        </table>
      </div>
      {lanes.length > MOST_ROWS && (
        <p class="note">{`Only the first ${count(MOST_ROWS)} of ${counted(lanes.length, "slot")} are listed.`}</p>
      )}
      <p class="quiet">The Runs view has the times of single runs.</p>
    </>
  );
}

function LaneRow({ lane, all }: { lane: Lane; all: Period }): JSX.Element {
  const { machine, slot, spans, end } = lane;
  const busy = spans.reduce((sum, span) => sum + lengthOf(span), 0);
  const failed = spans.filter(({ row }) => kindOf(row.state) === "failed").length;
  const isBusy = spans.some(({ isRunning }) => isRunning);
  const cells = [
    `${slot}`,
    count(spans.reduce((sum, { runs }) => sum + runs, 0)),
    count(failed),
    exactTime(spans[0]!.start),
    isBusy ? "running" : exactTime(end),
    duration(busy),
    `${Math.round((100 * busy) / (all.to - all.from))} %`,
  ];
  return (
    <tr>
      <td>{machine === "" ? "unknown machine" : machine}</td>
      {cells.map((cell, index) => (
        <td key={index} class="number">
          {cell}
        </td>
      ))}
    </tr>
  );
}
