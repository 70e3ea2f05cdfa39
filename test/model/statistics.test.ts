import { expect, it } from "vitest";
import { studentQuantile, summarizeSample } from "../../src/model/statistics.ts";

/** 97.5 % quantiles of Student's t, as tables print them, from one degree of freedom on. */
const TABLE = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

it("has the tabulated quantiles of Student's t", () => {
  const ours = TABLE.map((_, index) => Math.round(studentQuantile(0.975, index + 1) * 1000) / 1000);
  expect(ours).toEqual(TABLE);
  expect(studentQuantile(0.975, 60)).toBeCloseTo(2.000298, 6);
  expect(studentQuantile(0.975, 120)).toBeCloseTo(1.97993, 5);
  expect(studentQuantile(0.975, Infinity)).toBeCloseTo(1.959964, 6);
  expect(studentQuantile(0.95, 10)).toBeCloseTo(1.812461, 6);
});

/** The figures were computed by scipy 1.x: `numpy.std(ddof=1)` and `scipy.stats.t.ppf`. */
it.each([
  [[1, 2], 1.5, 0.7071067811865476, 6.353102368087347],
  [[3.5, 3.5, 3.5], 3.5, 0, 0],
  [[1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4.5], 1000000002.625, 1.4930394055974097, 2.3757588699932297],
  [[0.1, -2.25, 17, 3.125, 8e-3], 3.5966, 7.732407956128543, 9.601052578549162],
  [
    [5.4e-7, 5.9e-7, 6.1e-7, 5.5e-7, 5.0e-7, 5.2e-7, 5.8e-7, 6.6e-7, 5.1e-7, 5.7e-7],
    5.63e-7,
    4.945255863507526e-8,
    3.537622933752031e-8,
  ],
])("agrees with scipy on %j", (sample, mean, deviation, halfWidth) => {
  const ours = summarizeSample(sample);
  expect(ours.n).toBe(sample.length);
  const close = (value: number | undefined, wanted: number): void =>
    expect(Math.abs(value! - wanted)).toBeLessThanOrEqual(1e-12 * Math.abs(wanted));
  close(ours.mean, mean);
  close(ours.standardDeviation, deviation);
  close(ours.halfWidth, halfWidth);
  expect([ours.min, ours.max]).toEqual([Math.min(...sample), Math.max(...sample)]);
});

it("has no interval for less than two values, and excludes what is not finite", () => {
  expect(summarizeSample([4])).toEqual({
    n: 1,
    excluded: 0,
    mean: 4,
    min: 4,
    max: 4,
    standardDeviation: undefined,
    halfWidth: undefined,
  });
  expect(summarizeSample([NaN, 1, Infinity, 3, -Infinity])).toMatchObject({ n: 2, excluded: 3, mean: 2 });
  expect(summarizeSample([])).toMatchObject({ n: 0, mean: NaN, min: NaN, max: NaN });
});
