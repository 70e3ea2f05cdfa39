import { UserError } from "../errors.ts";

/** A histogram that a run has recorded. */
export interface RecordedHistogram {
  module: string;
  name: string;
  unit: string | null;
  /** Number of observations; undefined if it was not recorded. */
  count: number | undefined;
}

export interface HistogramList {
  histograms: RecordedHistogram[];
  /** Number of histograms beyond the limit. */
  omitted: number;
  /** Whether the time was over before the end of the file. */
  isPartial: boolean;
}

/** The bins of a histogram. */
export interface Histogram extends RecordedHistogram {
  mean: number | undefined;
  stddev: number | undefined;
  /** Observations, or their weights, below the first edge and from the last one on. */
  underflow: number;
  overflow: number;
  /** The lower edges of the bins, and the upper one of the last. */
  edges: number[];
  /** One less than edges. */
  values: number[];
}

/** More histograms cannot be chosen from, and more bins cannot be drawn. */
export const MOST_HISTOGRAMS = 20_000;
export const MOST_BINS = 20_000;

/** Which histogram is read: its bins are kept. */
export interface WantedHistogram {
  module: string;
  name: string;
}

export function noHistogram({ module, name }: WantedHistogram): UserError {
  return new UserError(`the run has no histogram ${module}.${name} in this file`);
}

/**
 * Returns a histogram's edges and values from its bins as they are in a file: each with its lower edge, the first from
 * minus infinity for the underflow, and the last for the overflow.
 * @throws {UserError} if there are no bins, or too many.
 */
export function binsOf(
  bins: readonly (readonly [lower: number, value: number])[],
): Pick<Histogram, "edges" | "values" | "underflow" | "overflow"> {
  const [first] = bins;
  const hasUnderflow = first?.[0] === -Infinity;
  const others = hasUnderflow ? bins.slice(1) : bins;
  const last = others.at(-1);
  if (last === undefined || others.length < 2) throw new UserError("the histogram has no bins");
  if (others.length > MOST_BINS) throw new UserError(`the histogram has more than ${MOST_BINS} bins`);
  const edges = others.map(([lower]) => lower);
  if (edges.some((edge, index) => !Number.isFinite(edge) || edge <= edges[index - 1]!))
    throw new UserError("the edges of the histogram's bins are not in order");
  const values = others.slice(0, -1).map(([, value]) => value);
  return { edges, values, underflow: hasUnderflow ? first[1] : 0, overflow: last[1] };
}
