import { errorKind } from "../../../model/failure-groups.ts";
import type { Row } from "../base/data.ts";
import { kindOf } from "../base/states.ts";

/** Runs with the same error, but for numbers that differ from run to run. */
export interface ErrorGroup {
  /** The message of the first run. */
  message: string;
  runs: number;
  states: Record<string, number>;
  /** Numbers of those of the runs that no later campaign has executed again. */
  current: number[];
}

/** Returns the errors of runs, the most frequent first. */
export function groupErrors(rows: Iterable<Row>): ErrorGroup[] {
  const groups = new Map<string, ErrorGroup>();
  for (const { error, state, runNumber, supersededBy } of rows) {
    if (error === null || state === "cancelled" || kindOf(state) === "done") continue;
    const kind = errorKind(error);
    const group = groups.get(kind) ?? { message: error, runs: 0, states: {}, current: [] };
    group.runs++;
    group.states[state] = (group.states[state] ?? 0) + 1;
    if (supersededBy === null) group.current.push(runNumber);
    groups.set(kind, group);
  }
  return [...groups.values()].sort((a, b) => b.runs - a.runs);
}
