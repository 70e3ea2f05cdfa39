import { amount, count, counted, exact, withUnit } from "../base/format.ts";
import { extentOf } from "../results/extent.ts";

/** The values of a vector as the server sends them. */
export interface VectorSeries {
  vector: { module: string; name: string; unit: string | null; interpolation: string | null };
  points: [time: number, value: number][];
  /** Number of all values. */
  count: number;
  /** Number of values that are NaN or infinite. */
  notFinite: number;
  /** Whether there are only the least and the greatest value of each of many intervals. */
  isReduced: boolean;
  /** Which part of the file was read: 1 for everything. */
  readPart: number;
}

/** Returns what the figure shows, and then what it does not show. */
export function vectorNotes({ points, count: all, notFinite, isReduced, readPart }: VectorSeries): string[] {
  const values = extentOf(
    points.map(([, value]) => value),
    false,
  );
  const range = values === undefined ? "" : `, from ${amount(values.low)} to ${amount(values.high)}`;
  const notes = [
    `${counted(all, "value")}${range}${isReduced ? `: the least and the greatest one of each of many intervals are drawn (${count(points.length)} points)` : ""}`,
    notFinite > 0 && `${counted(notFinite, "value")} not drawn: NaN or infinite.`,
    readPart < 1 &&
      `Only the first ${Math.floor(100 * readPart)} % was read within the time limit; what follows is not shown.`,
  ];
  return notes.filter((note) => note !== false);
}

/** Returns a point of the figure as a text. */
export function vectorPointText({ vector, points }: VectorSeries, index: number): string {
  const [time, value] = points[index]!;
  return `t = ${exact(time)} s: ${withUnit(exact(value), vector.unit)}`;
}
