import { amount, counted, exact, withUnit } from "../base/format.ts";

/** A histogram as the server sends it. */
export interface Histogram {
  module: string;
  name: string;
  unit: string | null;
  count?: number;
  mean?: number | null;
  stddev?: number | null;
  /** Observations, or their weights, below the first edge and from the last one on. */
  underflow: number;
  overflow: number;
  edges: number[];
  /** Of each bin. */
  values: number[];
}

/** Relative difference below which the bins count as equally wide. */
const SAME_WIDTH = 1e-6;

/** Returns the heights of the bars, and what they mean. */
export function barsOf({ edges, values }: Histogram): { heights: number[]; title: string } {
  const widths = values.map((_, index) => edges[index + 1]! - edges[index]!);
  const [narrowest, widest] = widths.reduce(
    ([least, most], width) => [Math.min(least, width), Math.max(most, width)],
    [Infinity, 0],
  );
  const what = values.every((value) => Number.isInteger(value)) ? "observations" : "weight";
  if (widest - narrowest <= SAME_WIDTH * widest) return { heights: values, title: what };
  return {
    heights: values.map((value, index) => value / widths[index]!),
    title: `${what} per unit`,
  };
}

/** Returns what the figure shows, and then what is beside the bars. */
export function histogramNotes({
  count,
  mean,
  stddev,
  edges,
  values,
  underflow,
  overflow,
}: Histogram): string[] {
  const facts = [
    count === undefined ? "" : counted(count, "observation"),
    mean == null ? "" : `mean ${amount(mean)}`,
    stddev == null ? "" : `standard deviation ${amount(stddev)}`,
    counted(values.length, "bin"),
  ];
  const beside = [
    underflow > 0 ? `${amount(underflow)} below ${amount(edges[0])} (underflow)` : "",
    overflow > 0 ? `${amount(overflow)} from ${amount(edges.at(-1))} on (overflow)` : "",
  ].filter((text) => text !== "");
  return [
    facts.filter((text) => text !== "").join(", "),
    ...(beside.length === 0 ? [] : [`Not drawn: ${beside.join(", ")}.`]),
  ];
}

/** Returns a bar of the figure as a text. */
export function binText({ edges, values, unit }: Histogram, index: number): string {
  const [from, to] = [exact(edges[index]!), exact(edges[index + 1]!)];
  return `from ${from} to ${withUnit(to, unit)}: ${exact(values[index]!)}`;
}
