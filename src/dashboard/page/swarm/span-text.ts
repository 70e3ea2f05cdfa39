import { counted, duration } from "../base/format.ts";
import type { Lane } from "./lanes.ts";
import { lengthOf, type Span } from "./spans.ts";

/** Returns a clock time with seconds. */
export function exactTime(time: number): string {
  return new Date(time).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** Returns the name of a lane. */
function laneText({ machine, slot }: Pick<Lane, "machine" | "slot">): string {
  return `${machine === "" ? "unknown machine" : machine}, slot ${slot}`;
}

/** Returns what is known about a run on the timeline. */
export function spanText(span: Span, lane: Lane, variables: readonly string[]): string {
  const { row, start, end, isRunning, runs } = span;
  const values = variables.map((name, index) => `${name}=${row.values[index] ?? ""}`).slice(0, 6);
  const time = isRunning
    ? `since ${exactTime(start)} (${duration(lengthOf(span))})`
    : `${exactTime(start)} to ${exactTime(end)} (${duration(lengthOf(span))})`;
  const batch = runs > 1 ? ` and ${counted(runs - 1, "run")} after it in the same process` : "";
  return [`Run #${row.runNumber}${batch}: ${row.state}`, laneText(lane), time, ...values].join(", ");
}
