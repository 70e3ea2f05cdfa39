import type { ResultItem } from "../model/result-item.ts";

/** The values of one item, or combined ones of several, by run number. */
export interface Series extends Named {
  values: [runNumber: number, value: number][];
}

type Named = Pick<ResultItem, "module" | "name" | "unit">;

/** How the values of several modules are combined to one for each run. */
export const OVERS = ["mean", "sum", "min", "max", "count"] as const;
export type Over = (typeof OVERS)[number];

/**
 * Returns one series of the combined values of several items; none if there are no items.
 * @param values those of each item.
 */
export function combine(items: readonly Named[], values: readonly Series["values"][], over: Over): Series[] {
  const [first] = items;
  if (first === undefined) return [];
  const byRun = new Map<number, number[]>();
  for (const [run, value] of values.flat()) {
    const own = byRun.get(run);
    if (own === undefined) byRun.set(run, [value]);
    else own.push(value);
  }
  const same = <T>(of: (item: Named) => T): T | undefined =>
    items.every((item) => of(item) === of(first)) ? of(first) : undefined;
  return [
    {
      module: same(({ module }) => module) ?? "*",
      name: same(({ name }) => name) ?? "*",
      unit: over === "count" ? null : (same(({ unit }) => unit) ?? null),
      values: [...byRun].map(([run, own]) => [run, combined(own, over)]),
    },
  ];
}

function combined(values: readonly number[], over: Over): number {
  switch (over) {
    case "count":
      return values.length;
    case "sum":
      return sum(values);
    case "mean":
      return sum(values) / values.length;
    case "min":
      return values.reduce((least, value) => Math.min(least, value), Infinity);
    case "max":
      return values.reduce((most, value) => Math.max(most, value), -Infinity);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
