import * as v from "valibot";
import { expect, it } from "vitest";
import { RunJobSchema, type Campaign, type RunJob } from "../../src/model/campaign.ts";
import { MemoryNeeds } from "../../src/model/memory-needs.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { answerWithoutRunning, type RunResult } from "../../src/model/result.ts";
import type { MemoryRecords } from "../../src/queue/memory-records.ts";
import { Postponed } from "../../src/queue/postponed.ts";
import type { TakenJob } from "../../src/queue/taken-job.ts";
import { MemoryShortage } from "../../src/worker/execute/memory-budget.ts";
import { RunMemory } from "../../src/worker/run-memory.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { TestMemory } from "../helpers/memory.ts";

const GB = 1e9;
const done: RunResult = {
  ...answerWithoutRunning("lost", ""),
  outcome: { state: "done", reason: "" },
};

/** Matches a text in an object. */
const like = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

const jobOf = (campaign: string, runNumber: number, gigabytes: number): RunJob => ({
  protocol: PROTOCOL,
  campaign,
  run: { config: "General", runNumber, iterationVariables: { size: String(gigabytes) }, repetition: 0 },
});

/** A runner on a machine with 8 GB. @param gigabytes what each of the runs in the queue needs. */
function runner(...gigabytes: number[]) {
  let now = 0;
  const memory = new TestMemory(8 * GB);
  const needs = new MemoryNeeds();
  const stored: number[] = [];
  const reports: (string | undefined)[] = [];
  const held: object[] = [];
  const queue = gigabytes.map((each, at) => ({ id: `c1-${at}`, job: jobOf("c1", at, each) }));
  const records: MemoryRecords = {
    of: () => Promise.resolve(needs),
    store: (_campaign, _variables, bytes) => void stored.push(bytes),
    nextRuns: (most) => {
      here.looks++;
      return Promise.resolve(queue.slice(0, most));
    },
    [Symbol.dispose]: () => undefined,
  };
  const end = new AbortController();
  const run = new RunMemory({
    records,
    campaigns: { find: (id) => Promise.resolve(someCampaign({ id })) },
    report: { set: (reason) => void reports.push(reason) },
    signal: end.signal,
    memory,
    now: () => now,
  });
  const takenOf = (id: string): TakenJob =>
    ({ id, report: (report: object) => void held.push(report) }) as unknown as TakenJob;
  const here = {
    /** How often the runner has looked at the queue. */
    looks: 0,
    memory,
    needs,
    queue,
    stored,
    reports,
    held,
    run,
    takenOf,
    end,
    wait: (ms: number) => void (now += ms),
    /** Takes the first run of the queue. */
    take(campaign: Partial<Campaign> = {}) {
      const { id, job } = queue.shift()!;
      return run.claim(takenOf(id), { campaign: someCampaign(campaign), job });
    },
    [Symbol.dispose]: () => run[Symbol.dispose](),
  };
  return here;
}

it("executes side by side what fits, and hands back the rest with a reason", async () => {
  using here = runner(3, 3, 3);
  for (const size of [3, 6]) here.needs.learn({ size: String(size) }, size * GB);
  await here.take();
  await here.take();
  await expect(here.take()).rejects.toThrow(Postponed);
  expect(here.held).toEqual([
    {
      type: "held",
      held: like(/: there is too little memory .* \(it needs about 3\.3 GB\)$/),
    },
  ]);
});

it("observes what the user says beforehand", async () => {
  using here = runner(1, 1);
  await here.take({ memoryBytes: 5 * GB });
  await expect(here.take({ memoryBytes: 5 * GB })).rejects.toThrow(Postponed);
});

it("takes no run while there is memory for none of the next ones, and reports that", async () => {
  using here = runner(6, 6, 6);
  here.needs.learn({ size: "6" }, 6 * GB);
  await here.run.mayTake(); // as long as there is memory, it does not look at the queue
  const first = await here.take();
  await expect(here.take()).rejects.toThrow(Postponed);
  let mayTake = false;
  const waiting = here.run.mayTake().then(() => (mayTake = true));
  here.wait(10_000);
  await expect.poll(() => here.reports).toEqual([expect.stringContaining("too little memory")]);
  expect(mayTake).toBe(false);
  first.release();
  await waiting;
  expect(here.reports.at(-1)).toBeUndefined();
});

it("does not take the only run again and again while there is too little memory for it", async () => {
  using here = runner(6, 6);
  here.needs.learn({ size: "6" }, 6 * GB);
  const first = await here.take();
  await expect(here.take()).rejects.toThrow(Postponed); // it is delayed, so that the queue looks empty
  let mayTake = false;
  const waiting = here.run.mayTake().then(() => (mayTake = true));
  await expect.poll(() => here.looks).toBeGreaterThan(1);
  expect(mayTake).toBe(false);
  first.release();
  await waiting;
  expect(mayTake).toBe(true);
});

it("executes a small run in the place of a large one, but not for ever", async () => {
  using here = runner(5, 5, 1, 1, 1);
  for (const size of [1, 5]) here.needs.learn({ size: String(size) }, size * GB);
  const first = await here.take();
  const large = here.queue.shift()!;
  const claimLarge = () =>
    here.run.claim(here.takenOf(large.id), { campaign: someCampaign(), job: large.job });
  await expect(claimLarge()).rejects.toThrow(Postponed);
  await here.run.mayTake();
  const small = await here.take();
  for (let minute = 0; minute < 11; minute += 0.1) {
    here.wait(6000);
    await expect(claimLarge()).rejects.toThrow(Postponed);
  }
  await expect(here.take()).rejects.toThrow(Postponed);
  first.release();
  small.release();
  await expect(claimLarge()).resolves.toBeDefined();
});

it("learns the peak of runs that completed, and stores what is news", async () => {
  using here = runner(2, 2, 2);
  for (const pid of [1, 2]) {
    const claim = await here.take();
    claim.watch(pid);
    here.memory.processes.set(pid, 2 * GB);
    await expect.poll(() => claim.peakBytes).toBe(2 * GB);
    expect(here.needs.estimate({ size: "2" })).toBe(2 * GB);
    claim.release();
    here.run.learn(claim, done);
  }
  expect(here.stored).toEqual([2 * GB]);
});

it("requeues a stopped run with what it needs at least", () => {
  using here = runner(1);
  const job = jobOf("c1", 0, 1);
  const shortage = new MemoryShortage("stopped", 3 * GB);
  const error = here.run.requeued(here.takenOf("c1-0"), { campaign: someCampaign(), job }, shortage);
  expect(error.data).toMatchObject({ run: job.run, memoryBytes: 3 * GB });
  expect(here.held[0]).toEqual({ type: "held", held: like(/: stopped$/) });
  const unknown = here.run.requeued(
    here.takenOf("c1-0"),
    { campaign: someCampaign(), job },
    new MemoryShortage("stopped", 0),
  );
  expect(v.is(RunJobSchema, unknown.data)).toBe(true); // otherwise, the run would be lost
  const again = here.run.requeued(
    here.takenOf("c1-0"),
    { campaign: someCampaign(), job: { ...job, memoryBytes: 4 * GB } },
    shortage,
  );
  expect(again.data).toMatchObject({ memoryBytes: 4 * GB });
});

it("ends its waiting with the worker", async () => {
  using here = runner(6, 6, 6);
  here.needs.learn({ size: "6" }, 6 * GB);
  await here.take();
  await expect(here.take()).rejects.toThrow(Postponed);
  const waiting = here.run.mayTake();
  here.end.abort();
  await waiting;
  expect(here.end.signal.aborted).toBe(true);
});
