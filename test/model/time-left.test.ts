import { expect, test } from "vitest";
import { estimateTimeLeft } from "../../src/model/time-left.ts";

const half = { elapsedMs: 10_000, gained: 0.5, left: 0.5 };
const unknown = { elapsedMs: 400, gained: 0, left: 1 };

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
])("estimates %s", (_, work, expected) => {
  expect(estimateTimeLeft(work)).toBe(expected);
});
