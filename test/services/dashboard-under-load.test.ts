import { mkdir } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { RunCollector } from "../../src/campaign/collect/collect-run.ts";
import type { Study } from "../../src/campaign/collect/places.ts";
import { RecordFolder } from "../../src/campaign/collect/record-folder.ts";
import { Campaigns } from "../../src/dashboard/campaigns.ts";
import type { DashboardSources } from "../../src/dashboard/sources.ts";
import type { Campaign } from "../../src/model/campaign.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import type { RunResult } from "../../src/model/result.ts";
import type { Run } from "../../src/model/run.ts";
import { openQueueClient, type QueueClient } from "../../src/queue/client.ts";
import { consume } from "../../src/queue/consumer.ts";
import { RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { watchQueue, type QueueWatch } from "../../src/queue/watch.ts";
import { openDirectoryStore } from "../../src/stores/directory-store.ts";
import { collected, madeCampaign } from "../dashboard/made.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const RUNS = 200;
const CONCURRENT_COLLECTIONS = 4;

const runOf = (runNumber: number): Run => ({
  config: "Load",
  runNumber,
  iterationVariables: { load: String(runNumber % 3) },
  repetition: 0,
});

/** Every tenth run fails at the first attempt. */
function answer(runNumber: number, state: "done" | "failed"): RunResult {
  const at = Date.now();
  const outcome = { state, reason: state === "done" ? "" : `run ${runNumber}` };
  return {
    protocol: PROTOCOL,
    outcome,
    usage: { wallTimeMs: 1 },
    files: [],
    startedAt: at,
    finishedAt: at + 1,
    worker: "w",
  };
}

/** A queue whose answers arrive at various times, so that everything may happen in between. */
function delayed(queue: QueueWatch): QueueWatch {
  let calls = 0;
  const later =
    <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const found = await ask(...args);
      for (let turn = calls++ % 7; turn > 0; turn--) await setImmediate();
      return found;
    };
  return {
    ...queue,
    campaigns: later(() => queue.campaigns()),
    openRuns: later((id: string) => queue.openRuns(id)),
    activeJobs: later(() => queue.activeJobs()),
    endedSince: later((time: number) => queue.endedSince(time)),
    jobs: later((id: string, numbers: readonly number[]) => queue.jobs(id, numbers)),
    keptEnds: later((id: string, numbers?: readonly number[]) => queue.keptEnds(id, numbers)),
  };
}

/** A swarm with runners of this process, and a dashboard that reads the records of its study. */
async function swarm() {
  const redis = await startRedis();
  const temporary = await temporaryDirectory("load-");
  const directory = path.join(temporary.path, "simulations");
  await mkdir(directory);
  const study: Study = {
    gitTop: temporary.path,
    directory,
    resultDirectory: path.join(directory, "results"),
    outside: [],
  };
  const connection = socketConnection(redis.socket);
  const ended = new AbortController();
  const attempts = new Map<string, number>();
  const runners = consume({
    queue: RUN_QUEUE,
    concurrency: 3,
    slots: 5,
    connection,
    lockMs: 30_000,
    signal: ended.signal,
    onError: (error) => expect.fail(error.message),
    onRefused: () => Promise.resolve(),
    async handle({ id }) {
      const attempt = (attempts.get(id) ?? 0) + 1;
      attempts.set(id, attempt);
      await setImmediate();
      const number = Number(id.slice(id.lastIndexOf("-") + 1));
      return answer(number, number % 10 === 0 && attempt === 1 ? "failed" : "done");
    },
  });
  const queue = await openQueueClient(connection);
  const watch = watchQueue(connection);
  const newSources = (): DashboardSources => {
    const folder = new RecordFolder(study.resultDirectory, () => 0);
    return { ...collected(() => []), folder: () => Promise.resolve(folder) };
  };
  const store = openDirectoryStore(path.join(temporary.path, "store"));
  return {
    queue,
    collectorOf: (campaign: Campaign) => new RunCollector(study, campaign, { queue, store }),
    newDashboard: () =>
      new Campaigns(delayed(watch), newSources(), { onError: (error) => expect.fail(error.message) }),
    async [Symbol.asyncDispose]() {
      ended.abort();
      await runners;
      watch[Symbol.dispose]();
      await queue[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

/** Collects runs as a client does, several of them concurrently. */
async function collectAll(
  queue: QueueClient,
  collector: RunCollector,
  campaign: Campaign,
  runs: readonly Run[],
  position: string,
): Promise<void> {
  const pending = new Set<Promise<void>>();
  for await (const event of await queue.follow(campaign.id, runs, position)) {
    if (event.type !== "completed") continue;
    const work = collector
      .collect(runOf(event.runNumber), event.value as RunResult)
      .then((run) => collector.forget(run))
      .finally(() => pending.delete(work));
    pending.add(work);
    if (pending.size >= CONCURRENT_COLLECTIONS) await Promise.race(pending);
  }
  await Promise.all(pending);
}

const EXPECTED = new Set(["queued", "running", "done", "failed", "unread"]);
const RANKS: Record<string, number> = { queued: 0, running: 1 };

/** Asks a dashboard continuously, and checks each answer. Returns the number of answers. */
async function watchAll(
  dashboard: Campaigns,
  campaign: Campaign,
  until: Promise<unknown>,
  mayGoBack: (run: number) => boolean = () => false,
): Promise<number> {
  const ranks = new Map<number, number>();
  const work = { isOver: false };
  void until.finally(() => (work.isOver = true));
  let answers = 0;
  for (; !work.isOver; answers++) {
    dashboard.forget(campaign.id); // otherwise, answers are repeated for some time
    const view = await dashboard.view(campaign.id);
    const { states } = view;
    expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(campaign.runs);
    const odd = Object.keys(states).filter((state) => !EXPECTED.has(state));
    expect([odd, view.trouble]).toEqual([[], undefined]);
    for (const { runNumber, state } of view.rows.values()) {
      const rank = RANKS[state] ?? 2;
      if (rank < (ranks.get(runNumber) ?? 0) && !mayGoBack(runNumber))
        expect.fail(`run ${runNumber} became ${state}`);
      ranks.set(runNumber, rank);
    }
    for (const number of ranks.keys()) expect(view.rows.has(number)).toBe(true);
    await setImmediate();
  }
  await until;
  return answers;
}

describeWithService("redis-server", "the dashboard under load", () => {
  it("shows every run in every answer while clients collect, retry and supersede", async () => {
    await using s = await swarm();
    const first = madeCampaign("abcdefgh", RUNS);
    const runs = Array.from({ length: RUNS }, (_, run) => runOf(run));
    const dashboard = s.newDashboard();
    const execute = async (
      campaign: Campaign,
      some: readonly Run[],
      mayGoBack?: (run: number) => boolean,
    ) => {
      const position = await s.queue.position();
      await s.queue.add(campaign, some);
      const collecting = collectAll(s.queue, s.collectorOf(campaign), campaign, some, position);
      // a dashboard that starts in the middle, besides the one that has seen everything
      const late = async (): Promise<void> => {
        while ((await dashboard.view(campaign.id)).open > (RUNS * 3) / 4) await setImmediate();
        await watchAll(s.newDashboard(), campaign, collecting, mayGoBack);
      };
      const [answers] = await Promise.all([watchAll(dashboard, campaign, collecting, mayGoBack), late()]);
      expect(answers).toBeGreaterThan(3);
    };
    const summaryOf = async (campaign: Campaign) => {
      dashboard.forget(campaign.id);
      return (await dashboard.overview()).campaigns.find(({ id }) => id === campaign.id)!;
    };

    await execute(first, runs);
    const failed = runs.filter(({ runNumber }) => runNumber % 10 === 0);
    expect(await summaryOf(first)).toMatchObject({
      states: { done: RUNS - failed.length, failed: failed.length },
      uncollected: 0,
      actions: { cancel: false, retry: failed.length },
    });

    await execute(first, failed, (run) => run % 10 === 0);
    expect(await summaryOf(first)).toMatchObject({ states: { done: RUNS }, actions: { retry: 0 } });

    const second = { ...first, id: "bcdefghj", createdAt: first.createdAt + 1 };
    await execute(second, runs);
    expect(await summaryOf(second)).toMatchObject({ superseded: {}, actions: { retry: failed.length } });
    await expect
      .poll(() => summaryOf(first))
      .toMatchObject({
        states: { done: RUNS },
        superseded: { [second.id]: RUNS },
        actions: { cancel: false, retry: 0 },
      });
  });
});
