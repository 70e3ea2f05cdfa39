import { expect, it } from "vitest";
import { Pending } from "../../src/campaign/collect/pending.ts";
import { Tally } from "../../src/campaign/collect/tally.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { madeRecord } from "../dashboard/made.ts";
import { someCampaign } from "../helpers/campaign.ts";

const where = { resultDirectory: "/study/results", wallTimeMs: 1234.5 };

const record = (runNumber: number, more: Partial<RunRecord> = {}): RunRecord =>
  madeRecord("c1", runNumber, {
    wallTimeMs: 1000 * (1 + runNumber),
    cpuTimeMs: 900,
    startedAt: `2026-01-01T00:00:0${runNumber}.000Z`,
    finishedAt: `2026-01-01T00:00:0${2 * runNumber + 1}.000Z`,
    files: [{ path: "results/a.sca", sizeBytes: 10, sha256: "" }],
    ...more,
  });

it("reports the cost of the runs collected now, and how all of them ended", () => {
  const tally = new Tally();
  tally.add(record(9, { state: "failed" }));
  for (const runNumber of [1, 4, 2, 3]) tally.addNew(record(runNumber));
  tally.addNew(record(0, { state: "cancelled", wallTimeMs: 0, files: [] })); // it never started
  const { failed, made, ...summary } = tally.summary(someCampaign({ runs: 6 }), false, where);
  expect(summary).toEqual({
    campaign: "c1",
    states: { failed: 1, done: 4, cancelled: 1 },
    wallTimeMs: 1235,
    resultDirectory: "/study/results",
  });
  expect(failed.map(({ runNumber }) => runNumber)).toEqual([0, 9]);
  expect(made).toMatchObject({ runs: 4, runTimeMs: 14_000, cpuTimeMs: 3600, spanMs: 8000, sizeBytes: 40 });
  expect(made?.longest.map(({ runNumber }) => runNumber)).toEqual([4, 3, 2]);
});

it("reports no time span that would come from differing clocks", () => {
  const spanOf = (minutesOff: number): number => {
    const at = (second: number, off: number): string =>
      new Date(Date.UTC(2026, 0, 1, 0, off, second)).toISOString();
    const tally = new Tally();
    for (const [worker, off] of [
      ["a", 0],
      ["b", minutesOff],
    ] as const)
      tally.addNew(record(1, { worker, startedAt: at(1, off), finishedAt: at(5, off) }));
    const createdAt = Date.UTC(2026, 0, 1);
    const now = createdAt + 10_000;
    return tally.summary(someCampaign({ runs: 2, createdAt }), false, where, now).made!.spanMs;
  };
  expect(spanOf(0)).toBe(4000);
  for (const off of [-600, -1, 1, 600]) {
    expect(spanOf(off)).toBeGreaterThanOrEqual(4000);
    expect(spanOf(off)).toBeLessThanOrEqual(10_000);
  }
});

it("counts runs without a record as cancelled if the campaign was, and else as missing", () => {
  const campaign = someCampaign({ runs: 3 });
  const tallied = (): Tally => {
    const tally = new Tally();
    tally.add(record(0));
    return tally;
  };
  expect(tallied().summary(campaign, true, where)).toMatchObject({ states: { done: 1, cancelled: 2 } });
  expect(tallied().summary(campaign, true, where)).not.toHaveProperty("unrecorded");
  expect(tallied().summary(campaign, false, where)).toMatchObject({ states: { done: 1 }, unrecorded: 2 });
});

it("never exceeds its limit of concurrent work, and passes errors on", async () => {
  const pending = new Pending(2);
  let finish = (): void => undefined;
  await pending.add(new Promise<void>((resolve) => (finish = resolve)));
  let room = false;
  const second = pending.add(new Promise<void>(() => undefined)).then(() => (room = true));
  await Promise.resolve();
  expect(room).toBe(false);
  finish();
  await second;
  const failing = new Pending(1);
  await expect(failing.add(Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(failing.done()).rejects.toThrow("no");
});
