import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { barsOf, spanAt } from "../../src/dashboard/page/swarm/bars.ts";
import { idleTailOf } from "../../src/dashboard/page/swarm/idle-tail.ts";
import { lanesOf, longestOf, until, type Lane } from "../../src/dashboard/page/swarm/lanes.ts";
import { spansOf, type Span } from "../../src/dashboard/page/swarm/spans.ts";
import { periodIn, periodText, timeTicks, zoomed } from "../../src/dashboard/page/swarm/time-axis.ts";
import { QUANTITIES, usageOf } from "../../src/dashboard/page/swarm/usage.ts";
import type { Row } from "../../src/dashboard/page/base/data.ts";
import { madeRow } from "../helpers/made-dashboard.ts";

const NOW = 1_000_000;

/** A run that was executed from one time to another, in ms. */
function ended(runNumber: number, start: number, end: number, more: Partial<Row> = {}): Row {
  return madeRow(runNumber, { startedAt: start, finishedAt: end, wallTimeMs: end - start, ...more });
}

function running(runNumber: number, start: number | null, more: Partial<Row> = {}): Row {
  return madeRow(runNumber, {
    state: "running",
    startedAt: start,
    finishedAt: null,
    wallTimeMs: null,
    cpuTimeMs: null,
    memoryBytes: null,
    ...more,
  });
}

const spans = (rows: readonly Row[]): Span[] => spansOf(rows).spans;
const numbers = (lanes: readonly Lane[]): number[][] =>
  lanes.map((lane) => lane.spans.map(({ row }) => row.runNumber));
const times = (rows: readonly Row[]): number[][] => spans(rows).map(({ start, end }) => [start, end]);

describe("the time in which a run was executed", () => {
  it("is that of its record, or computed from its duration", () => {
    expect(
      times([
        ended(0, 100, 300),
        ended(1, 100, 300, { startedAt: null }),
        ended(2, 100, 300, { finishedAt: null }),
        running(3, 500),
      ]),
    ).toEqual([
      [100, 300],
      [100, 300],
      [100, 300],
      [500, Infinity],
    ]);
  });

  it("is never negative, although clocks differ or are changed", () => {
    expect(times([ended(1, 900, 400, { wallTimeMs: 50 })])).toEqual([[900, 950]]);
    const ahead = until(lanesOf(spans([running(0, NOW + 5000), running(1, NOW - 70)])), NOW);
    expect(ahead.map(({ spans: [span], end }) => [span!.start, span!.end, end])).toEqual([
      [NOW - 70, NOW, NOW],
      [NOW + 5000, NOW + 5000, NOW + 5000],
    ]);
  });

  it("does not exist for runs that were not executed; those without times are counted", () => {
    const rows = [
      madeRow(0, { state: "queued", startedAt: null, finishedAt: null, wallTimeMs: null }),
      madeRow(1, { state: "cancelled", startedAt: null, finishedAt: null, wallTimeMs: null }),
      madeRow(2, { state: "cancelled", wallTimeMs: 0 }),
      madeRow(3, { state: "lost", startedAt: null, wallTimeMs: null }),
      madeRow(4, { startedAt: null, finishedAt: null }),
      running(5, null),
      madeRow(6, { startedAt: NaN, finishedAt: NaN }), // the record has no valid time
    ];
    expect(spansOf(rows)).toEqual({ spans: [], omitted: 4 });
  });

  it("is that of the first run for a batch that is running", () => {
    const rows = [running(4, 10, { batch: [5, 6] }), running(5, 10), running(6, 10), running(7, 20)];
    expect(spans(rows).map(({ row, runs }) => [row.runNumber, runs])).toEqual([
      [4, 3],
      [7, 1],
    ]);
  });
});

describe("the slots of runners", () => {
  it("are as many as runs overlap on a machine", () => {
    const rows = [
      ended(0, 0, 100),
      ended(1, 2, 50),
      ended(2, 53, 80),
      ended(3, 82, 300),
      ended(4, 104, 200),
      ended(5, 0, 10, { worker: "node10" }),
      ended(6, 5, 300, { worker: "node2" }),
      ended(7, 0, 10, { worker: null }),
    ];
    const lanes = lanesOf(spans(rows));
    expect(lanes.map(({ machine, slot }) => `${machine}/${slot}`)).toEqual([
      "/1",
      "node1/1",
      "node1/2",
      "node2/1",
      "node10/1",
    ]);
    expect(numbers(lanes)).toEqual([[7], [0, 4], [1, 2, 3], [6], [5]]);
  });

  it("do not depend on the clocks of other machines", () => {
    const rows = [0, 1, 2].flatMap((machine) =>
      [0, 1].map((run) =>
        ended(machine * 2 + run, machine * 3600_000 + run * 100, machine * 3600_000 + run * 100 + 90, {
          worker: `node${machine}`,
        }),
      ),
    );
    expect(numbers(lanesOf(spans(rows)))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });

  it("have the runs of a batch one after the other, although rounding makes it longer than its process", () => {
    // two batches of 40 runs, each of 1 ms after rounding; in fact, a process took 20 ms
    const batch = (first: number, start: number): Row[] =>
      Array.from({ length: 40 }, (_, at) => ended(first + at, start + at, start + at + 1));
    const rows = [...batch(0, 0), ...batch(100, 5), ...batch(40, 22), ...batch(140, 27)];
    expect(numbers(lanesOf(spans(rows))).map((lane) => [lane[0], lane.at(-1), lane.length])).toEqual([
      [0, 79, 80],
      [100, 179, 80],
    ]);
  });

  it("separates two batches that started in the same millisecond", () => {
    const rows = [0, 1, 2, 3, 4, 5].map((run) =>
      ended(run, Math.floor(run / 2) * 100, Math.floor(run / 2) * 100 + 100),
    );
    expect(numbers(lanesOf(spans(rows))).map(({ length }) => length)).toEqual([3, 3]);
  });

  it("are not more than the machine has while the results of a run are being stored", () => {
    const rows = [running(0, 100), running(1, 200), running(2, 300)];
    expect(numbers(lanesOf(spans(rows), { node1: 2 }))).toEqual([[0, 2], [1]]);
    expect(numbers(lanesOf(spans(rows), { other: 2 }))).toEqual([[0], [1], [2]]);
    const before = [ended(3, 0, 90), ended(4, 0, 95), ended(5, 0, 99)]; // it had three slots then
    expect(lanesOf(spans([...before, ...rows]), { node1: 2 })).toHaveLength(3);
  });

  it("show a run that was executed again once, as it was executed last", () => {
    const rows = [ended(0, 0, 100), ended(1, 86_400_000, 86_400_100), ended(2, 0, 50)];
    expect(numbers(lanesOf(spans(rows)))).toEqual([[0, 1], [2]]);
  });

  it("have each run once, without overlapping, on as few slots as possible", () => {
    const some = fc.array(
      fc.record({ start: fc.nat(1000), length: fc.integer({ min: 5, max: 200 }), machine: fc.nat(2) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(some, (all) => {
        const rows = all.map(({ start, length, machine }, run) =>
          ended(run, 2 * start, 2 * start + length, { worker: `node${machine}` }),
        );
        const lanes = lanesOf(spans(rows));
        expect(
          numbers(lanes)
            .flat()
            .sort((a, b) => a - b),
        ).toEqual(rows.map(({ runNumber }) => runNumber));
        for (const lane of lanes)
          for (const [index, { start, row }] of lane.spans.entries()) {
            const before = lane.spans[index - 1];
            if (before === undefined) continue;
            expect(row.worker).toBe(before.row.worker);
            expect(start).toBeGreaterThanOrEqual(before.end - index); // rounding of at most 1 ms a run
          }
        for (const machine of new Set(rows.map(({ worker }) => worker))) {
          const own = rows.filter(({ worker }) => worker === machine);
          const most = Math.max(
            ...own.map(
              ({ startedAt: at }) =>
                own.filter((row) => row.startedAt! <= at! && row.finishedAt! > at!).length,
            ),
          );
          expect(lanes.filter((lane) => lane.machine === machine).length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("are found for 10,000 runs on 64 slots", () => {
    const rows = Array.from({ length: 10_000 }, (_, run) => {
      const start = Math.floor(run / 64) * 1000 + (run % 7);
      return ended(run, start, start + 900 + (run % 90), { worker: `node${run % 4}` });
    });
    expect(lanesOf(spans(rows))).toHaveLength(64);
  });
});

describe("the longest runs", () => {
  it("are in order, without running batches", () => {
    const rows = [ended(0, 0, 100), ended(1, 0, 300), running(2, NOW - 200), running(3, 0, { batch: [4] })];
    const longest = longestOf(until(lanesOf(spans(rows)), NOW), 2);
    expect(longest.map(({ row }) => row.runNumber)).toEqual([1, 2]);
    expect(longestOf([], 3)).toEqual([]);
  });
});

describe("the idle tail", () => {
  const tailOf = (rows: readonly Row[], waiting = 0, now = NOW): unknown => {
    const tail = idleTailOf(until(lanesOf(spans(rows)), now), waiting);
    return tail && { ...tail, last: tail.last.row.runNumber };
  };
  const even = [
    ended(0, 0, 60_000),
    ended(1, 0, 40_000),
    ended(2, 40_100, 100_000),
    ended(3, 60_100, 70_000),
  ];

  it("is from the first slot that became idle for good to the end of the last run", () => {
    expect(tailOf(even)).toEqual({
      start: 70_000,
      end: 100_000,
      isOver: true,
      idle: 1,
      idleMs: 30_000,
      last: 2,
    });
  });

  it("grows while the last runs are running, and does not exist while others wait", () => {
    const rows = [...even.slice(0, 2), running(2, 40_100)];
    expect(tailOf(rows, 0, 90_000)).toMatchObject({ start: 60_000, end: 90_000, isOver: false, last: 2 });
    expect(tailOf(rows, 1, 90_000)).toBeUndefined();
    expect(tailOf([running(0, 0), running(1, 0)])).toBeUndefined();
  });

  it("begins although the last run starts a moment after a slot became idle", () => {
    const rows = [ended(0, 0, 60_000), ended(1, 0, 59_900), ended(2, 60_700, 200_000)];
    expect(tailOf(rows)).toMatchObject({ start: 59_900, end: 200_000 });
  });

  it("does not begin with a machine that was removed, or before runs were retried", () => {
    const removed = [ended(9, 0, 10_000, { worker: "removed" }), ...even];
    expect(tailOf(removed)).toMatchObject({ start: 70_000, idle: 1 });
    const retried = [...even, ended(4, 9_000_000, 9_010_000), ended(5, 9_000_000, 9_030_000)];
    expect(tailOf(retried)).toMatchObject({ start: 9_010_000, end: 9_030_000, last: 5 });
  });

  it("does not exist on one slot, without runs, or if all slots end together", () => {
    expect(tailOf([])).toBeUndefined();
    expect(tailOf([ended(0, 0, 100), ended(1, 100, 300)])).toBeUndefined();
    expect(tailOf([ended(0, 0, 100), ended(1, 0, 100)])).toBeUndefined();
  });
});

describe("the usage of resources", () => {
  it("is the mean in each part of the period", () => {
    const all = spans([ended(0, 0, 100), ended(1, 50, 250), ended(2, 110, 120), ended(3, 900, 950)]);
    const busy = usageOf(all, { from: 0, to: 400 }, 4, () => 1);
    expect([...busy].map((value) => Number(value.toFixed(9)))).toEqual([1.5, 1.1, 0.5, 0]);
    expect([...usageOf(all, { from: 25, to: 75 }, 1, () => 2)]).toEqual([3]);
  });

  it("preserves the sum, whatever the parts", () => {
    const some = fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 500 })), { maxLength: 30 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 40 }), (all, parts) => {
        const rows = all.map(([start, length], run) => ended(run, start, start + length));
        const used = usageOf(spans(rows), { from: 0, to: 1600 }, parts, () => 3);
        const sum = used.reduce((total, value) => total + value * (1600 / parts), 0);
        expect(sum).toBeCloseTo(
          all.reduce((total, [, length]) => total + 3 * length, 0),
          5,
        );
      }),
    );
  });

  it("counts what a run has reported", () => {
    const [one] = spans([ended(0, 0, 2000, { cpuTimeMs: 3000, memoryBytes: 5e6, eventsPerSecond: 70 })]);
    const [other] = spans([running(1, 0, { eventsPerSecond: null })]);
    const values = (span: Span): unknown[] => QUANTITIES.map(({ valueOf }) => valueOf(span));
    expect(values(one!)).toEqual([1, 1.5, 5e6, 70]);
    expect(values(other!)).toEqual([1, undefined, undefined, undefined]);
  });
});

describe("the bars of a slot", () => {
  const lane = (rows: readonly Row[]): Lane => lanesOf(spans(rows))[0]!;
  const all = (): boolean => true;

  it("are one for each run that is wide enough", () => {
    const bars = barsOf(lane([ended(0, 0, 400), ended(1, 400, 1000)]), { from: 0, to: 1000 }, 100, all);
    expect(bars.map(({ left, width }) => [left, width])).toEqual([
      [0, 39],
      [40, 59],
    ]);
  });

  it("are at most one for each pixel, and show failures and matches", () => {
    const rows = Array.from({ length: 5000 }, (_, run) =>
      ended(run, run * 10, run * 10 + 10, { state: run === 2500 ? "crashed" : "done" }),
    );
    const bars = barsOf(lane(rows), { from: 0, to: 50_000 }, 200, all);
    expect(bars.length).toBeLessThanOrEqual(200);
    expect(bars.reduce((sum, { runs }) => sum + runs, 0)).toBe(5000);
    expect(bars.filter(({ kind }) => kind === "failed")).toHaveLength(1);
    const matching = barsOf(lane(rows), { from: 0, to: 50_000 }, 200, ({ row }) => row.runNumber === 7);
    expect(matching.filter(({ isMatching }) => isMatching)).toHaveLength(1);
  });

  it("have the colour of their own run, although a short one is beside them", () => {
    const failed = { state: "failed" };
    const bars = barsOf(
      lane([ended(0, 0, 1, failed), ended(1, 2, 500), ended(2, 500, 501, failed), ended(3, 503, 1000)]),
      { from: 0, to: 1000 },
      100,
      all,
    );
    expect(bars.map(({ left, width, kind }) => [left, width, kind])).toEqual([
      [0, 1, "failed"],
      [1, 48, "done"],
      [50, 1, "failed"],
      [51, 48, "done"],
    ]);
  });

  it("are only those in the period", () => {
    const rows = [ended(0, 0, 400), ended(1, 500, 1000)];
    expect(barsOf(lane(rows), { from: 600, to: 700 }, 100, all)).toMatchObject([
      { left: 0, width: 99, runs: 1 },
    ]);
  });

  it("are found by a time", () => {
    const one = lane([ended(0, 0, 400), ended(1, 500, 1000)]);
    const at = (time: number, within?: number): number | undefined =>
      spanAt(one, time, within)?.row.runNumber;
    expect([at(-50), at(0), at(399), at(440), at(460), at(5000)]).toEqual([0, 0, 0, 0, 1, 1]);
    expect([at(440, 30), at(480, 30), at(5000, 30)]).toEqual([undefined, 1, undefined]);
  });
});

describe("the time axis", () => {
  it.each([
    [{ from: 0, to: 10_000 }, 5, 0, [0, 2000, 4000, 6000, 8000, 10_000]],
    [{ from: 100, to: 7_200_100 }, 4, 0, [1_800_000, 3_600_000, 5_400_000, 7_200_000]],
    [{ from: 0, to: 86_400_000 }, 4, 3_600_000, [18_000_000, 39_600_000, 61_200_000, 82_800_000]],
    [{ from: 0, to: 7 }, 3, 0, [0, 5]],
  ])("has marks at round times of the clock: %o", (period, most, offset, expected) => {
    expect(timeTicks(period, most, offset).times).toEqual(expected);
  });

  it("is enlarged around a time, within the whole period", () => {
    const all = { from: 0, to: 1000 };
    expect(zoomed(all, all, 0.5)).toEqual({ from: 250, to: 750 });
    expect(zoomed(all, all, 0.5, 0)).toEqual({ from: 0, to: 500 });
    expect(zoomed({ from: 600, to: 1000 }, all, 2)).toEqual({ from: 200, to: 1000 });
    expect(zoomed({ from: 600, to: 1000 }, all, 9)).toEqual(all);
    expect(zoomed({ from: 100, to: 120 }, all, 0.001)).toEqual({ from: 105, to: 115 });
  });

  it("has a period that is part of the address", () => {
    const period = { from: 5_001_500, to: 5_090_000 };
    expect(periodText(period, 5_000_000)).toBe("1.5-90");
    expect(periodIn("1.5-90", 5_000_000)).toEqual(period);
    for (const wrong of [null, "", "5", "9-5", "a-b", "-5-9"]) expect(periodIn(wrong, 0)).toBeUndefined();
  });
});
