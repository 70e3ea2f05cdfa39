import fc from "fast-check";
import { expect, it } from "vitest";
import { DownSampler, type SampledSeries } from "../../src/model/down-sample.ts";

function reduced(points: Iterable<readonly [number, number]>, most: number): SampledSeries {
  const samples = new DownSampler(most);
  for (const [time, value] of points) samples.add(time, value);
  return samples.result();
}

it("keeps a short series as it is", () => {
  const points = Array.from({ length: 100 }, (_, index): [number, number] => [index ** 3, Math.sin(index)]);
  expect(reduced(points, 100)).toEqual({ points, count: 100, notFinite: 0, isReduced: false });
  expect(reduced([], 100)).toEqual({ points: [], count: 0, notFinite: 0, isReduced: false });
});

it("keeps the extremes of each interval of a long series, whatever its duration", () => {
  for (const length of [101, 1000, 100_000]) {
    const points = Array.from({ length }, (_, index): [number, number] => [index * 0.25, index % 97]);
    points[length >> 1] = [points[length >> 1]![0], 5000]; // a single peak
    const series = reduced(points, 100);
    expect([series.count, series.isReduced]).toEqual([length, true]);
    expect(series.points.length).toBeLessThanOrEqual(100);
    expect(series.points.length).toBeGreaterThan(45); // half of the intervals may be beyond the end
    expect(series.points).toContainEqual(points[length >> 1]);
    const all = new Set(points.map(String));
    expect(series.points.filter((point) => !all.has(String(point)))).toEqual([]);
  }
});

it("counts what cannot be drawn", () => {
  const series = reduced(
    [
      [0, NaN],
      [1, Infinity],
      [Infinity, 1],
      [2, 3],
    ],
    100,
  );
  expect(series).toEqual({ points: [[2, 3]], count: 4, notFinite: 3, isReduced: false });
});

it("has the extremes of any series, and never too many points", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(number, number), { maxLength: 300 }),
      fc.integer({ min: 8, max: 64 }),
      (points, most) => {
        const series = reduced(points, most);
        expect(series.points.length).toBeLessThanOrEqual(most);
        const extremes = (all: readonly (readonly [number, number])[]): number[] =>
          all.length === 0
            ? []
            : [Math.min(...all.map(([, value]) => value)), Math.max(...all.map(([, value]) => value))];
        expect(extremes(series.points)).toEqual(extremes(points));
        const times = series.points.map(([time]) => time);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      },
    ),
  );
});
