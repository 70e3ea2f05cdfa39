import { describe, expect, it } from "vitest";
import type { Run } from "../../src/model/run.ts";
import { RunTimes } from "../../src/model/run-times.ts";

let runNumber = 0;
function run(iterationVariables: Record<string, string>, repetition = 0, config = "General"): Run {
  return { config, runNumber: runNumber++, iterationVariables, repetition };
}

/** Returns a prediction in ms, rounded. */
function predict(times: RunTimes, wanted: Run): number {
  return Math.round(times.predict(wanted)!);
}

describe("the predicted time of a run", () => {
  it("is unknown as long as no run has been executed", () => {
    const times = new RunTimes();
    times.add(run({ n: "1" }), 0); // it never started
    expect(times.predict(run({ n: "1" }))).toBeUndefined();
  });

  it("is the geometric mean of its repetitions", () => {
    const times = new RunTimes();
    times.add(run({ n: "1" }, 0), 1000);
    times.add(run({ n: "1" }, 1), 4000);
    times.add(run({ n: "2" }, 0), 50_000);
    expect(predict(times, run({ n: "1" }, 2))).toBe(2000);
  });

  it("has a factor for each value, if its combination of values has not been executed", () => {
    const times = new RunTimes();
    for (const [hosts, hostsFactor] of [["a", 1] as const, ["b", 10] as const])
      for (const [mode, modeFactor] of [["x", 1] as const, ["y", 3] as const])
        if (!(hosts === "b" && mode === "y"))
          times.add(run({ hosts, mode }), 1000 * hostsFactor * modeFactor);
    const ms = times.predict(run({ hosts: "b", mode: "y" }))!;
    expect(ms).toBeGreaterThan(20_000);
    expect(ms).toBeLessThan(40_000);
  });

  it("follows from neighbouring values, with units, between and beyond them", () => {
    const times = new RunTimes();
    for (const [limit, ms] of [["100ms", 1000] as const, ["1s", 10_000] as const, ["10s", 100_000] as const])
      times.add(run({ limit }), ms);
    const within = (limit: string, expected: number): void => {
      const ms = times.predict(run({ limit }))!;
      expect(ms / expected).toBeGreaterThan(0.5);
      expect(ms / expected).toBeLessThan(2);
    };
    within("3s", 30_000);
    within("20ms", 200);
    within("1min", 600_000);
  });

  it("is in the middle for a value that says nothing, such as a word", () => {
    const times = new RunTimes();
    times.add(run({ mac: "csma" }), 1000);
    times.add(run({ mac: "aloha" }), 4000);
    expect(predict(times, run({ mac: "tdma" }))).toBe(2000);
    expect(predict(times, run({ mac: "7" }))).toBe(2000);
  });

  it("distinguishes configs", () => {
    const times = new RunTimes();
    times.add(run({ n: "1" }, 0, "Small"), 1000);
    times.add(run({ n: "1" }, 0, "Large"), 9000);
    expect(predict(times, run({ n: "1" }, 1, "Large"))).toBe(9000);
  });

  it("is that of an earlier campaign, corrected by how much longer runs take now", () => {
    const times = new RunTimes();
    for (const [n, ms] of [["1", 1000] as const, ["2", 3000] as const, ["3", 7000] as const])
      times.addEarlier(run({ n }), ms);
    expect(predict(times, run({ n: "3" }))).toBe(7000);
    times.add(run({ n: "1" }), 2000);
    expect(predict(times, run({ n: "1" }))).toBe(2000);
    expect(predict(times, run({ n: "3" }))).toBe(14_000);
  });

  it("is what running runs are expected to take, until one of them has ended", () => {
    const times = new RunTimes();
    const [first, second] = [run({ n: "1" }), run({ n: "1" }, 1)];
    times.expect(first, 5000);
    expect(predict(times, run({ n: "1" }, 2))).toBe(5000);
    times.expect(second, 20_000);
    expect(predict(times, run({ n: "1" }, 2))).toBe(10_000);
    times.add(first, 6000);
    expect(predict(times, run({ n: "1" }, 2))).toBe(6000);
    times.expect(second, undefined);
    expect(predict(times, run({ n: "1" }, 2))).toBe(6000);
  });
});

it("ignores a running run whose machine's clock is ahead", () => {
  const times = new RunTimes();
  const run = { config: "General", runNumber: 0, iterationVariables: {}, repetition: 0 };
  times.expect(run, -500);
  expect(times.predict(run)).toBeUndefined();
  times.add({ ...run, runNumber: 1 }, 1000);
  times.expect(run, 0);
  expect(times.predict(run)).toBeCloseTo(1000);
});

it("predicts thousands of values of a variable that have not occurred", () => {
  const times = new RunTimes();
  const runOf = (seed: number) => ({
    config: "General",
    runNumber: seed,
    iterationVariables: { seed: String(seed) },
    repetition: 0,
  });
  for (let seed = 0; seed < 20_000; seed += 2) times.add(runOf(seed), 1000 + seed);
  for (let seed = 1; seed < 19_999; seed += 2) {
    const ratio = times.predict(runOf(seed))! / (1000 + seed);
    expect(Math.abs(Math.log(ratio))).toBeLessThan(0.3);
  }
});
