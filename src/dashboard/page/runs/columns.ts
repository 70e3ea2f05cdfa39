import type { Row } from "../base/data.ts";
import { amount, duration, size } from "../base/format.ts";
import type { ScalarColumn } from "./scalar-columns.ts";

/** A column of the table of runs. */
export interface Column {
  /** Name of the field by which it sorts. */
  field: string;
  title: string;
  isNumber?: boolean;
  /** Hidden on a narrow screen. */
  isMinor?: boolean;
  text: (row: Row) => string;
}

/** Returns the columns of the table. @param elapsed returns the duration of a run in ms */
export function columnsOf(
  variables: readonly string[],
  elapsed: (row: Row) => number | null,
  scalars: readonly ScalarColumn[] = [],
): Column[] {
  return [
    { field: "run", title: "Run", text: ({ runNumber }) => `#${runNumber}` },
    { field: "state", title: "State", text: stateText },
    ...variables.map((name, index): Column => ({
      field: `$${name}`,
      title: `$${name}`,
      text: ({ values }) => values[index] ?? "",
    })),
    { field: "repetition", title: "Repetition", text: ({ repetition }) => `${repetition}` },
    ...scalars.map(({ field, unit, values }): Column => ({
      field,
      title: unit === null ? field : `${field} [${unit}]`,
      isNumber: true,
      text: ({ runNumber }) => amount(values.get(runNumber)),
    })),
    { field: "time", title: "Time", isNumber: true, text: (row) => duration(elapsed(row)) },
    {
      field: "cpu",
      title: "CPU",
      isNumber: true,
      isMinor: true,
      text: ({ cpuTimeMs }) => duration(cpuTimeMs),
    },
    {
      field: "memory",
      title: "Memory",
      isNumber: true,
      isMinor: true,
      text: ({ memoryBytes }) => size(memoryBytes),
    },
    {
      field: "rate",
      title: "Events/s",
      isNumber: true,
      isMinor: true,
      text: ({ eventsPerSecond }) => amount(eventsPerSecond),
    },
    { field: "error", title: "Error", text: noteText },
  ];
}

/** Returns the state of a run, with its progress. */
export function stateText({ state, percent }: Row): string {
  return state === "running" && percent !== null ? `running, ${Math.round(percent)} %` : state;
}

function noteText({ error, supersededBy }: Row): string {
  const notes = [error, supersededBy === null ? null : `superseded by campaign ${supersededBy}`];
  return notes.filter(Boolean).join("; ");
}

/** Returns the part of the rows to draw. @param rowHeight in pixels, as is the rest */
export function windowOf(
  rows: number,
  { top, height, rowHeight, margin }: { top: number; height: number; rowHeight: number; margin: number },
): { first: number; last: number } {
  const first = Math.max(0, Math.floor(top / rowHeight) - margin);
  const last = Math.min(rows, Math.ceil((top + height) / rowHeight) + margin);
  return { first: Math.min(first, Math.max(0, last)), last };
}
