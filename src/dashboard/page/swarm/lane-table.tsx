import type { JSX } from "preact";
import { FoldedTable } from "../base/folded-table.tsx";
import { count, duration } from "../base/format.ts";
import { kindOf } from "../base/states.ts";
import type { Lane } from "./lanes.ts";
import { exactTime } from "./span-text.ts";
import { lengthOf } from "./spans.ts";
import type { Period } from "./usage.ts";

/** The timeline as a table: each slot with its runs, how long it was busy, and since when it is idle. */
export function LaneTable({ lanes, all }: { lanes: readonly Lane[]; all: Period }): JSX.Element {
  return (
    <FoldedTable
      title="Table of slots"
      label="slots"
      texts={["Machine"]}
      numbers={["Slot", "Runs", "Failed", "First start", "Last end", "Busy", "Busy share"]}
      rows={lanes}
      cellsOf={(lane) => cellsOf(lane, all)}
    >
      <p class="quiet">The Runs view has the times of single runs.</p>
    </FoldedTable>
  );
}

function cellsOf({ machine, slot, spans, end }: Lane, all: Period): string[] {
  const busy = spans.reduce((sum, span) => sum + lengthOf(span), 0);
  const failed = spans.filter(({ row }) => kindOf(row.state) === "failed").length;
  const isBusy = spans.some(({ isRunning }) => isRunning);
  return [
    machine === "" ? "unknown machine" : machine,
    `${slot}`,
    count(spans.reduce((sum, { runs }) => sum + runs, 0)),
    count(failed),
    exactTime(spans[0]!.start),
    isBusy ? "running" : exactTime(end),
    duration(busy),
    `${Math.round((100 * busy) / (all.to - all.from))} %`,
  ];
}
