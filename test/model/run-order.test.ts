import { describe, expect, it } from "vitest";
import type { Run } from "../../src/model/run.ts";
import { longestFirst } from "../../src/model/run-order.ts";
import { RunTimes } from "../../src/model/run-times.ts";

/** Runs 0, 1, …, each with a value of its own. */
function study(count: number): Run[] {
  return Array.from({ length: count }, (_, runNumber) => ({
    config: "General",
    runNumber,
    iterationVariables: { n: `value ${runNumber}` },
    repetition: 0,
  }));
}

function ordered(...seconds: number[]): { numbers: number[]; predicted: unknown } {
  const runs = study(seconds.length);
  const times = new RunTimes();
  for (const run of runs) times.addEarlier(run, seconds[run.runNumber]! * 1000);
  const { runs: order, predicted } = longestFirst([...runs].reverse(), times);
  return { numbers: order.map((run) => run.runNumber), predicted };
}

describe("the order of runs", () => {
  it("is longest first, with what is predicted in total", () => {
    const { numbers, predicted } = ordered(2, 40, 10);
    expect(numbers).toEqual([1, 2, 0]);
    const { totalMs, shortestMs, longestMs, runs } = predicted as Record<string, number>;
    expect([totalMs!, shortestMs!, longestMs!].map(Math.round)).toEqual([52_000, 2000, 40_000]);
    expect(runs).toBe(3);
  });

  it("is that of their numbers if they take equally long, or hardly any time", () => {
    expect(ordered(10, 10.3, 9.8, 10.1).numbers).toEqual([0, 1, 2, 3]);
    expect(ordered(0.1, 0.9, 0.4, 3).numbers).toEqual([3, 0, 1, 2]);
  });

  it("is that of their numbers if nothing is known", () => {
    const { runs, predicted } = longestFirst(study(3).reverse(), new RunTimes());
    expect(runs.map((run) => run.runNumber)).toEqual([0, 1, 2]);
    expect(predicted).toBeUndefined();
    expect(longestFirst([], new RunTimes())).toEqual({ runs: [], predicted: undefined });
  });
});
