import { expect, it } from "vitest";
import { CampaignProgress } from "../../src/cli/terminal/progress.ts";
import { CampaignView } from "../../src/dashboard/campaign-view.ts";
import { predictedTimes } from "../../src/dashboard/predicted-times.ts";
import { factsOfJob, factsOfRecord, type Facts } from "../../src/dashboard/row.ts";
import { summarize } from "../../src/dashboard/summary.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import type { RunReport } from "../../src/model/outcome.ts";
import type { RunRecord, RunResult } from "../../src/model/result.ts";
import type { Run } from "../../src/model/run.ts";
import type { JobFacts } from "../../src/queue/watched-jobs.ts";
import { madeCampaign, madeRecord } from "./made.ts";

const BEGIN = 1_700_000_000_000;

const runOf = (runNumber: number): Run => ({
  config: "Load",
  runNumber,
  iterationVariables: {},
  repetition: 0,
});

/** The terminal and the dashboard, which receive the same events of a campaign. */
function both(runs: number) {
  const clock = { now: BEGIN };
  const terminal = new CampaignProgress(() => clock.now);
  terminal.begin(runs);
  const view = new CampaignView(madeCampaign("some", runs));
  const started = new Map<number, number>();
  const put = (runNumber: number, progress: unknown, result?: RunResult): void => {
    const run = runOf(runNumber);
    const startedAt = started.get(runNumber);
    const job = { run, startedAt, finishedAt: result?.finishedAt, progress, result };
    view.rows.set(runNumber, {
      runNumber,
      values: [],
      repetition: 0,
      ...factsOfJob(job, startedAt !== undefined),
    });
  };
  for (let run = 0; run < runs; run++) put(run, undefined);
  return {
    clock,
    start(run: number): void {
      started.set(run, clock.now);
      terminal.start(run);
      put(run, undefined);
    },
    report(run: number, report: RunReport): void {
      if (report.type === "progress") terminal.report(run, report);
      if (report.type === "batch") terminal.batch(runOf(run), report.runs.map(runOf));
      put(run, report);
    },
    requeue(run: number): void {
      started.delete(run);
      put(run, undefined);
    },
    /** @param collected the dashboard reads the record, and not the job. */
    finish(run: number, wallTimeMs: number, finishedAt = clock.now, collected = false): void {
      const iso = (time: number): string => new Date(time).toISOString();
      const times = { startedAt: iso(finishedAt - wallTimeMs), finishedAt: iso(finishedAt) };
      const record: RunRecord = madeRecord("some", run, { wallTimeMs, ...times });
      terminal.finish(run, record);
      const result: RunResult = {
        protocol: PROTOCOL,
        outcome: { state: "done", reason: "" },
        usage: { wallTimeMs },
        files: [],
        startedAt: finishedAt - wallTimeMs,
        finishedAt,
        worker: "here",
      };
      put(run, undefined, result);
      if (collected) view.rows.set(run, { ...view.rows.get(run)!, ...factsOfRecord(record) });
    },
    /** Returns the time left, in ms, after checking that both show the same. */
    left(): number | undefined {
      const { leftMs } = summarize(view, clock.now);
      expect(terminal.leftMs).toEqual(leftMs);
      return leftMs;
    },
  };
}

it("is the same in the terminal and on the dashboard, from the first run to the last", () => {
  const s = both(8);
  expect(s.left()).toBeUndefined();
  s.start(0);
  s.start(1);
  s.clock.now += 5000;
  expect(s.left()).toBeUndefined();
  s.report(0, { type: "progress", events: 1, simTime: "1", percent: 50 });
  expect(s.left()).toBe(35_000); // half a run, and three rounds of 10 s for six runs on two runners
  s.clock.now += 5000;
  s.finish(0, 10_000);
  s.finish(1, 10_000, s.clock.now, true);
  expect(s.left()).toBe(30_000);
  for (const run of [2, 3, 4, 5, 6, 7]) {
    s.start(run);
    if (run % 2 === 1) s.clock.now += 10_000;
    if (run % 2 === 1) for (const each of [run - 1, run]) s.finish(each, 10_000);
    s.left();
  }
  expect(s.left()).toBeUndefined();
});

it("knows the times of earlier campaigns, as the client noted them in the queue, and how the machines compare", () => {
  const view = new CampaignView(madeCampaign("some", 4));
  const job = { startedAt: undefined, finishedAt: undefined, progress: undefined, result: undefined };
  const put = (runNumber: number, more: Partial<JobFacts> = {}, result?: Facts): void => {
    const facts = { ...job, run: runOf(runNumber), expectedMs: 60_000, ...more };
    const isActive = facts.startedAt !== undefined;
    view.rows.set(runNumber, {
      runNumber,
      values: [],
      repetition: 0,
      ...factsOfJob(facts, isActive),
      ...result,
    });
    view.version++;
  };
  const predicted = (): number | undefined => {
    const { campaign, rows, variables, version } = view;
    return predictedTimes({ campaign, rows, variables, version }, BEGIN)?.totalMs; // anew for each object
  };
  for (let run = 0; run < 4; run++) put(run);
  expect(predicted()).toBeCloseTo(4 * 60_000);
  put(0, { startedAt: BEGIN, finishedAt: BEGIN + 30_000 }, { state: "done", wallTimeMs: 30_000 });
  expect(predicted()).toBeCloseTo(3 * 30_000);
});

it("counts a batch as one occupied runner", () => {
  const s = both(100);
  for (let run = 0; run < 20; run++) s.start(run);
  s.report(0, { type: "batch", runs: Array.from({ length: 19 }, (_, at) => at + 1) });
  s.clock.now += 2000;
  expect(s.left()).toBeUndefined(); // nothing is known about the duration
  for (let run = 0; run < 20; run++) s.finish(run, 100, s.clock.now - 100 * (19 - run));
  for (let run = 20; run < 40; run++) s.start(run);
  s.report(20, { type: "batch", runs: Array.from({ length: 19 }, (_, at) => at + 21) });
  expect(s.left()).toBe(8000); // 80 runs of 100 ms on one runner: 20 runners would need 400 ms
  s.report(20, { type: "batch", runs: [] }); // each in a process of its own
  for (let run = 21; run < 40; run++) s.requeue(run);
  s.start(21);
  expect(s.left()).toBe(4000);
});
