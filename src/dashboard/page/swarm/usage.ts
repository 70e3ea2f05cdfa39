import { lengthOf, type Span } from "./spans.ts";

/** A part of a time axis, in ms since 1970. */
export interface Period {
  from: number;
  to: number;
}

/**
 * Returns the sum over the runs of a value, as its mean in each of equal parts of a period. The value of a run is
 * constant while it is executed.
 * @param valueOf returns the value of a run; undefined if it is unknown, which counts as 0.
 */
export function usageOf(
  spans: Iterable<Span>,
  { from, to }: Period,
  parts: number,
  valueOf: (span: Span) => number | undefined,
): Float64Array {
  const sums = new Float64Array(parts);
  /** Changes of the sum at the beginning of each part, by runs that fill whole parts. */
  const changes = new Float64Array(parts + 1);
  const perMs = parts / (to - from);
  for (const span of spans) {
    const value = valueOf(span);
    if (value === undefined || span.end <= from || span.start >= to) continue;
    const [first, last] = [
      Math.max(0, (span.start - from) * perMs),
      Math.min(parts, (span.end - from) * perMs),
    ];
    const [firstPart, lastPart] = [Math.floor(first), Math.min(parts - 1, Math.floor(last))];
    if (firstPart === lastPart) {
      sums[firstPart]! += value * (last - first);
      continue;
    }
    sums[firstPart]! += value * (firstPart + 1 - first);
    sums[lastPart]! += value * (last - lastPart);
    changes[firstPart + 1]! += value;
    changes[lastPart]! -= value;
  }
  let filled = 0;
  for (let part = 0; part < parts; part++) {
    filled += changes[part]!;
    sums[part] = Math.max(0, sums[part]! + filled);
  }
  return sums;
}

/** A quantity below the timeline. */
export interface Quantity {
  title: string;
  /** What it is made of. */
  explanation: string;
  valueOf: (span: Span) => number | undefined;
  format: "amount" | "size";
  /** Whether it is known only of runs that have ended. */
  isOfEnded: boolean;
}

/** The quantities that are computed from the records and from the reports of running runs. */
export const QUANTITIES: readonly Quantity[] = [
  {
    title: "Busy slots",
    explanation: "number of runs being executed",
    valueOf: () => 1,
    format: "amount",
    isOfEnded: false,
  },
  {
    title: "CPU cores",
    explanation: "CPU time of each run divided by its duration",
    valueOf: (span) => {
      const { cpuTimeMs } = span.row;
      return cpuTimeMs === null || lengthOf(span) <= 0 ? undefined : cpuTimeMs / lengthOf(span);
    },
    format: "amount",
    isOfEnded: true,
  },
  {
    title: "Memory",
    explanation: "sum of the peaks of the runs, each for its whole duration",
    valueOf: ({ row }) => row.memoryBytes ?? undefined,
    format: "size",
    isOfEnded: true,
  },
  {
    title: "Events/s",
    explanation: "sum of the runs’ means; of running ones, as last reported",
    valueOf: ({ row }) => row.eventsPerSecond ?? undefined,
    format: "amount",
    isOfEnded: false,
  },
];
