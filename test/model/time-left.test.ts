import { expect, test } from "vitest";
import type { PredictedTimes } from "../../src/model/run-order.ts";
import { estimateTimeLeft } from "../../src/model/time-left.ts";

const half = { elapsedMs: 10_000, gained: 0.5, left: 0.5 };
const unknown = { elapsedMs: 400, gained: 0, left: 1 };

/** A prediction for two kinds of runs, one of which takes as long as the longest. */
function times(runs: number, shortestMs: number, longestMs: number): PredictedTimes {
  return { runs, totalMs: (runs - 1) * shortestMs + longestMs, shortestMs, longestMs };
}

test("nothing is known before a run has ended or reported", () => {
  expect(
    estimateTimeLeft({ running: [unknown], waiting: 5, parallel: 1, meanMs: undefined }),
  ).toBeUndefined();
});

test.each([
  ["a run by its own progress", { running: [half], waiting: 0, parallel: 1, meanMs: undefined }, 10_000],
  ["a run without progress by the mean", { running: [unknown], waiting: 0, parallel: 1, meanMs: 1000 }, 600],
  ["a run that takes longer than others", { running: [unknown], waiting: 0, parallel: 1, meanMs: 300 }, 0],
  ["the slowest run at the end", { running: [half, unknown], waiting: 0, parallel: 2, meanMs: 500 }, 10_000],
  ["waiting runs in rounds", { running: [half, half], waiting: 3, parallel: 2, meanMs: 20_000 }, 50_000],
  ["a runner between two runs", { running: [], waiting: 4, parallel: 2, meanMs: 1000 }, 2000],
  [
    "the longest waiting run, which is the next to start",
    {
      ...{ running: [half, half], waiting: 3, parallel: 2, meanMs: 5000 },
      predicted: times(3, 1000, 60_000),
    },
    70_000,
  ],
  [
    "predicted runs before one has ended or reported",
    {
      ...{ running: [unknown], waiting: 3, parallel: 1, meanMs: undefined },
      predicted: times(3, 1000, 1000),
    },
    3600,
  ],
  [
    "all predicted work, of which some has started since",
    {
      ...{ running: [half, half], waiting: 4, parallel: 2, meanMs: 500 },
      predicted: times(8, 20_000, 20_000),
    },
    50_000,
  ],
])("estimates %s", (_, work, expected) => {
  expect(estimateTimeLeft(work)).toBe(expected);
});
