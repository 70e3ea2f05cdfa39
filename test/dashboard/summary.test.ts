import { expect, it } from "vitest";
import { CampaignView } from "../../src/dashboard/campaign-view.ts";
import type { Row } from "../../src/dashboard/row.ts";
import { summarize } from "../../src/dashboard/summary.ts";
import { madeCampaign } from "./made.ts";

const NOW = 1_700_000_100_000;

function viewOf(rows: readonly Partial<Row>[]): CampaignView {
  const view = new CampaignView(madeCampaign("some", rows.length));
  rows.forEach((row, runNumber) =>
    view.rows.set(runNumber, { runNumber, state: "queued", values: [], repetition: 0, ...row }),
  );
  return view;
}

/** Two runners have executed runs of one second each for the last minute. */
const ended = Array.from({ length: 120 }, (_, index): Partial<Row> => {
  const finishedAt = NOW - 500 * index;
  return { state: "done", wallTimeMs: 1000, startedAt: finishedAt - 1000, finishedAt };
});
const queued = Array.from({ length: 600 }, (): Partial<Row> => ({}));
const running: Partial<Row> = { state: "running", startedAt: NOW };

it("estimates the time left by the runners busy in the last minute, also between two runs", () => {
  for (const now of [[running, running], [running], []]) {
    const { leftMs, runsPerSecond } = summarize(viewOf([...ended, ...queued, ...now]), NOW);
    expect(leftMs! / 1000).toBeGreaterThan(295);
    expect(leftMs! / 1000).toBeLessThan(305);
    expect(runsPerSecond).toBeCloseTo(2, 1);
  }
});

it("estimates the time left of the first runs by their own percentages", () => {
  const half: Partial<Row> = { state: "running", startedAt: NOW - 10_000, percent: 50 };
  expect(summarize(viewOf([half, half]), NOW).leftMs).toBeCloseTo(10_000);
  expect(summarize(viewOf([half, half, {}, {}]), NOW).leftMs).toBeCloseTo(30_000); // a run takes 20 s
});

it("predicts the waiting runs by their iteration variables, as the terminal does: the longest are executed first", () => {
  const done = (hosts: string, wallTimeMs: number): Partial<Row> => {
    const times = { startedAt: NOW - wallTimeMs - 1000, finishedAt: NOW - 1000 };
    return { state: "done", values: [hosts], wallTimeMs, ...times };
  };
  const now: Partial<Row> = { state: "running", values: ["1"], startedAt: NOW - 500, percent: 50 };
  const waiting = Array.from({ length: 9 }, (): Partial<Row> => ({ values: ["1"] }));
  const view = viewOf([done("100", 100_000), done("100", 100_000), done("1", 1000), now, ...waiting]);
  view.variables.push("hosts");
  expect(summarize(view, NOW).leftMs).toBeGreaterThan(3000);
  expect(summarize(view, NOW).leftMs).toBeLessThan(10_000); // ten runs of a second; by the mean, 67 s each
});

it("counts only the last minute of a long run that has just ended", () => {
  const hour = 3600_000;
  const long: Partial<Row> = {
    state: "done",
    wallTimeMs: hour,
    startedAt: NOW - hour - 1000,
    finishedAt: NOW - 1000,
  };
  expect(summarize(viewOf([long, running, {}]), NOW).leftMs).toBeCloseTo(2 * hour);
});

it("gives no estimate if nothing runs or nothing is known", () => {
  expect(summarize(viewOf(queued), NOW).leftMs).toBeUndefined();
  expect(summarize(viewOf([running, {}]), NOW).leftMs).toBeUndefined();
  expect(summarize(viewOf(ended), NOW).leftMs).toBeUndefined();
});

it("counts runs of which nothing is left in the queue", () => {
  const gone = new CampaignView(madeCampaign("some", 3));
  expect(summarize(gone, NOW).states).toEqual({ "without a record": 3 });
});
