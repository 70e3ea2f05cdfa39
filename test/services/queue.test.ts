import { PROTOCOL } from "../../src/model/protocol.ts";
import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Queue, type Job } from "bullmq";
import { expect, it } from "vitest";
import { Redis } from "ioredis";
import type { Campaign } from "../../src/model/campaign.ts";
import type { Run } from "../../src/model/run.ts";
import { forgetExpired } from "../../src/queue/expired.ts";
import { openQueueClient } from "../../src/queue/client.ts";
import { openCampaignState } from "../../src/queue/campaign-state.ts";
import { consume } from "../../src/queue/consumer.ts";
import { countJobs } from "../../src/queue/counts.ts";
import type { RunEvent } from "../../src/queue/follow.ts";
import { Postponed } from "../../src/queue/postponed.ts";
import type { TakenJob } from "../../src/queue/taken-job.ts";
import { openTroubleReport } from "../../src/queue/troubles.ts";
import { BUILD_QUEUE, campaignKey, RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { countRunnerSlots } from "../../src/queue/workers.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { startRedis, type RedisServer } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

const run = (runNumber: number): Run => ({
  config: "General",
  runNumber,
  iterationVariables: {},
  repetition: runNumber,
});
const runs = (count: number): Run[] => Array.from({ length: count }, (_, number) => run(number));
const campaign = (id: string): Campaign => someCampaign({ id });

/** A consumer of the queue `run`; stopped at the end of the block. */
function startConsumer(
  redis: RedisServer,
  handle: (job: TakenJob) => Promise<object>,
  options: { concurrency?: number; slots?: number; lockMs?: number } = {},
) {
  const end = new AbortController();
  const errors: Error[] = [];
  const refused: object[] = [];
  let giveUp!: (reason: Error) => void;
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  givenUp.catch(() => undefined);
  const ended = consume({
    queue: RUN_QUEUE,
    concurrency: options.concurrency ?? 2,
    slots: options.slots ?? options.concurrency ?? 2,
    connection: socketConnection(redis.socket),
    lockMs: options.lockMs ?? 30_000,
    handle: (job) => Promise.race([handle(job), givenUp]),
    onRefused: (value) => Promise.resolve(void refused.push(value)),
    onError: (error) => errors.push(error),
    signal: end.signal,
  });
  const stop = async (): Promise<void> => {
    end.abort();
    await ended;
  };
  return {
    errors,
    refused,
    stop,
    async [Symbol.asyncDispose]() {
      giveUp(new Error("the test has ended")); // after a failure, the event that a job waits for may never come
      await stop();
    },
  };
}

async function collectEvents(events: ReadableStream<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const numberIn = (job: Pick<TakenJob, "data">): number => (job.data as { run: Run }).run.runNumber;
const endsOf = (events: readonly RunEvent[]): number[] =>
  events.flatMap((event) => (event.type === "completed" ? [event.runNumber] : [])).sort((a, b) => a - b);

describeWithService("redis-server", "the queue", () => {
  it("delivers every run to a worker and its answer to the client, once", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(300));
    await using _ = startConsumer(redis, (job) => Promise.resolve({ made: numberIn(job) }));
    const events = await collectEvents(await client.follow("c1", runs(300), position));
    expect(endsOf(events)).toEqual(runs(300).map((each) => each.runNumber));
    const answer = events.find((event) => event.type === "completed" && event.runNumber === 7);
    expect(answer).toEqual({ type: "completed", runNumber: 7, value: { made: 7 } });
    expect(await countJobs(socketConnection(redis.socket))).toEqual({
      waiting: 0,
      running: 0,
      uncollected: 300,
    });
    await client.forget("c1", 7);
    expect(await countJobs(socketConnection(redis.socket))).toMatchObject({ uncollected: 299 });
  });

  it("delivers events from before it follows, and separates campaigns", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    await client.add(campaign("c1"), runs(3));
    await client.add(campaign("c2"), runs(3));
    {
      await using _ = startConsumer(redis, () => Promise.resolve({ done: true }));
      await expect.poll(async () => (await countJobs(socketConnection(redis.socket))).uncollected).toBe(6);
    }
    const position = await client.position(); // later than everything else
    const events = await collectEvents(await client.follow("c2", runs(3), position));
    expect(endsOf(events)).toEqual([0, 1, 2]);
  });

  it("removes everything of an expired campaign, and nothing of the others", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    await client.add(campaign("old"), runs(5));
    await client.add(campaign("young"), runs(3));
    {
      await using _ = startConsumer(redis, () => Promise.resolve({ done: true }));
      await expect.poll(async () => (await countJobs(connection)).uncollected).toBe(8);
    }
    const other = new Redis(connection);
    await other.del(campaignKey("old")); // its time has come
    await forgetExpired(connection);
    expect(await countJobs(connection)).toMatchObject({ uncollected: 3 });
    expect((await other.keys("*")).filter((key) => key.includes("old"))).toEqual([]);
    expect((await client.list()).map((listing) => [listing.campaign.id, listing.ended])).toEqual([
      ["young", 3],
    ]);
    other.disconnect();
  });

  it("does not keep the process alive after it is closed, also if nothing was queried", async () => {
    await using redis = await startRedis();
    const isClients = new AsyncLocalStorage<true>();
    const timers = new Set<number>();
    const watch = createHook({
      init(id, type) {
        if (type === "Timeout" && isClients.getStore()) timers.add(id);
      },
      destroy: (id) => void timers.delete(id),
    }).enable();
    await isClients.run(true, async () => {
      for (const ms of [0, 1, 2, 3, 4]) {
        await using _ = await openQueueClient(socketConnection(redis.socket));
        await delay(ms); // whatever it is about to do with its connections
      }
    });
    // not by the clock, because of busy machines: a remaining timer would last two seconds
    for (let looks = 0; looks < 50 && timers.size > 0; looks++) await delay(20);
    watch.disable();
    expect(timers.size).toBe(0);
  });

  it("is counted also if the machine slept for longer than an answer may take", async () => {
    await using redis = await startRedis();
    const counted = countJobs(socketConnection(redis.socket));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500);
    expect(await counted).toEqual({ waiting: 0, running: 0, uncollected: 0 });
  });

  it("lists all campaigns, or those requested", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    for (const id of ["c1", "c2"]) await client.add(campaign(id), runs(3));
    const listed = async (isWanted?: (each: Campaign) => boolean) =>
      (await client.list(isWanted)).map((listing) => [listing.campaign.id, listing.waiting]).sort();
    expect(await listed()).toEqual([
      ["c1", 3],
      ["c2", 3],
    ]);
    expect(await listed(({ id }) => id === "c2")).toEqual([["c2", 3]]);
  });

  it("executes a job together with the next ones, each with an answer of its own", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(10));
    const groups: number[][] = [];
    const slots = new Set<number | undefined>();
    await using _ = startConsumer(
      redis,
      async (job) => {
        const others = await job.join(
          (waiting, ofSwarm) => {
            slots.add(ofSwarm);
            return Math.min(3, waiting);
          },
          (id) => id.startsWith("c1-"),
        );
        groups.push([job, ...others].map((each) => numberIn(each)));
        await Promise.all(others.map((other) => other.complete({ made: numberIn(other) })));
        return { made: numberIn(job) };
      },
      { concurrency: 1 },
    );
    const events = await collectEvents(await client.follow("c1", runs(10), position));
    expect(groups).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect([...slots]).toEqual([1]);
    const answers = events.flatMap((event) => (event.type === "completed" ? [event] : []));
    expect(answers.map(({ runNumber, value }) => [runNumber, value])).toEqual(
      answers.map(({ runNumber }) => [runNumber, { made: runNumber }]),
    );
    expect(answers).toHaveLength(10);
  });

  it("knows how many jobs all runners execute concurrently", async () => {
    await using redis = await startRedis();
    const client = new Redis(socketConnection(redis.socket));
    try {
      const count = (): Promise<number | undefined> =>
        countRunnerSlots({ clientList: () => client.client("LIST") as Promise<string> });
      expect(await count()).toBeUndefined();
      await using _ = startConsumer(redis, () => Promise.resolve({}), { concurrency: 3 });
      await using other = startConsumer(redis, () => Promise.resolve({}), { concurrency: 8 });
      await expect.poll(count).toBe(11);
      await other.stop();
      await expect.poll(count).toBe(3);
    } finally {
      client.disconnect();
    }
  });

  it("stores nothing about completed jobs while its connection works", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(200));
    const seen: WeakRef<object>[] = [];
    await using _ = startConsumer(redis, (job) => {
      seen.push(new WeakRef(job.data as object));
      return Promise.resolve({ made: numberIn(job) });
    });
    await collectEvents(await client.follow("c1", runs(200), position));
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    await expect
      .poll(() => {
        collectGarbage();
        return seen.filter((each) => each.deref() !== undefined).length;
      })
      .toBeLessThan(10);
  });

  it("joins no job of another campaign, and hands back jobs that it does not execute", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(4));
    await client.add(campaign("c2"), runs(4)); // they take turns
    const joined: number[] = [];
    let first = true;
    await using consumer = startConsumer(
      redis,
      async (job) => {
        const others = await job.join(
          () => 5,
          (id) => first || id.startsWith(job.id.slice(0, 3)),
        );
        first = false;
        joined.push(others.length); // the first one takes what it can get, and leaves it
        return { made: numberIn(job) };
      },
      { concurrency: 1 },
    );
    const both = await Promise.all([
      client.follow("c1", runs(4), position).then(collectEvents),
      client.follow("c2", runs(4), position).then(collectEvents),
    ]);
    expect(both.map((events) => endsOf(events))).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
    expect(joined[0]).toBe(5);
    expect(joined).toHaveLength(8);
    expect(consumer.errors).toEqual([]);
  });

  it("gives a job that cannot be executed now to others later, in its turn, and counts it as waiting", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    await client.add(campaign("c1"), runs(3));
    const order: string[] = [];
    const whole = deferred();
    const handle = async (job: TakenJob): Promise<object> => {
      const { troubles = [] } = job.data as { troubles?: string[] };
      order.push(`${numberIn(job)} after ${troubles.length} troubles, lost ${job.lost}`);
      if (numberIn(job) === 0 && troubles.length === 0)
        throw new Postponed(3_600_000, { ...(job.data as object), troubles: ["one"] });
      if (numberIn(job) === 0) whole.resolve();
      else await whole.promise;
      return { done: true };
    };
    await using consumer = startConsumer(redis, handle, { concurrency: 1 });
    await expect.poll(() => order.length).toBe(2);
    expect(await countJobs(connection)).toEqual({ waiting: 2, running: 1, uncollected: 0 });
    const [listed] = await client.list();
    expect(listed).toMatchObject({ waiting: 2, running: 1 });
    const queue = new Queue(RUN_QUEUE, { connection });
    await ((await queue.getJob("c1-0")) as Job).changeDelay(50);
    await queue.close();
    await using other = startConsumer(redis, handle, { concurrency: 2 });
    await expect.poll(async () => (await countJobs(connection)).uncollected).toBe(3);
    expect(order[0]).toBe("0 after 0 troubles, lost 0");
    expect(order).toContain("0 after 1 troubles, lost 0");
    expect([...consumer.errors, ...other.errors]).toEqual([]);
  });

  it("keeps an answer that Redis refuses until Redis accepts it", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    await client.add(campaign("c1"), runs(1));
    const config = new Redis(connection);
    let times = 0;
    const handle = async (): Promise<object> => {
      times++;
      await config.config("SET", "min-replicas-to-write", "1"); // it refuses writes, as on a full disk
      return { done: true };
    };
    await using consumer = startConsumer(redis, handle, { lockMs: 60_000 });
    await expect.poll(() => consumer.errors.length).toBeGreaterThanOrEqual(2);
    await config.config("SET", "min-replicas-to-write", "0");
    await expect.poll(() => client.result("c1", 0)).toEqual({ done: true });
    expect(times).toBe(1);
    expect(consumer.refused).toEqual([]);
    config.disconnect();
  });

  it("reports which worker takes no jobs, until it does again or has vanished", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    const errors: Error[] = [];
    const report = openTroubleReport(connection, "runner", (error) => errors.push(error));
    report.set("its disk is read-only");
    const line = `the runner on ${hostname()} has stopped taking jobs: its disk is read-only`;
    await expect.poll(() => client.troubles()).toEqual([line]);
    expect(await countJobs(connection)).toMatchObject({ troubles: [line] });
    await client.add(campaign("c1"), runs(1));
    const events = await client.follow("c1", runs(1), await client.position());
    const reader = events.getReader();
    expect(await reader.read()).toEqual({ done: false, value: { type: "trouble", line } });
    await reader.cancel();
    report.set(undefined);
    await expect.poll(() => client.troubles()).toEqual([]);
    report.set("again");
    await expect.poll(() => client.troubles()).toHaveLength(1);
    const raw = new Redis(connection);
    await raw.del(...(await raw.keys("swarm:trouble:*"))); // as after a minute without a sign of life
    expect(await client.troubles()).toEqual([]);
    await raw.sadd("swarm:troubles", "forged");
    await raw.set("swarm:trouble:forged", JSON.stringify({ role: "queen", host: 1 }));
    expect(await client.troubles()).toEqual([]);
    raw.disconnect();
    await report[Symbol.asyncDispose]();
    expect(errors).toEqual([]);
  });

  it("may be closed at any moment", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    await client.add(campaign("c1"), runs(3));
    {
      await using _ = startConsumer(redis, () => Promise.resolve({ done: true }));
      await expect.poll(async () => (await countJobs(socketConnection(redis.socket))).uncollected).toBe(3);
    }
    const events = await client.follow("c1", runs(3), await client.position());
    await events.cancel(); // while it queries the states of the runs
    await client.position(); // answered after them: nobody is left to receive them, which is no error
  });

  it("requests the answers of many runs only as fast as they are consumed", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    await client.add(campaign("c1"), runs(4000));
    {
      await using _ = startConsumer(redis, (job) => Promise.resolve({ made: numberIn(job) }), {
        concurrency: 20,
      });
      await expect
        .poll(async () => (await countJobs(connection)).uncollected, { timeout: 60_000 })
        .toBe(4000);
    }
    const stats = new Redis(connection);
    const asked = async (): Promise<number> =>
      Number(/^cmdstat_hmget:calls=(\d+)/m.exec(await stats.info("commandstats"))?.[1] ?? 0);
    const before = await asked();
    const events = await client.follow("c1", runs(4000), await client.position());
    await expect.poll(asked).toBeGreaterThan(before);
    for (let turn = 0; turn < 50; turn++) await client.position(); // in that time it could have requested all
    expect((await asked()) - before).toBeLessThanOrEqual(2000);
    expect(endsOf(await collectEvents(events))).toHaveLength(4000);
    stats.disconnect();
  });

  it("continues after Redis was restarted", async () => {
    await using redis = await startRedis({ appendOnly: true });
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(6));
    const followed = collectEvents(await client.follow("c1", runs(6), position));
    await redis.restart();
    await using _ = startConsumer(redis, () => Promise.resolve({ done: true }));
    expect(endsOf(await followed)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("lets campaigns take turns: a small one does not wait for a large one that came before", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const order: string[] = [];
    const small = deferred();
    await client.add(campaign("large"), runs(1000));
    const handle = async (job: TakenJob): Promise<object> => {
      order.push((job.data as { campaign: string }).campaign);
      if (order.length === 100) await client.add(campaign("small"), runs(10)).finally(small.resolve);
      return {};
    };
    await using _ = startConsumer(redis, handle, { concurrency: 1 });
    await small.promise;
    await expect.poll(() => order.filter((id) => id === "small").length).toBe(10);
    expect(order.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => "large"));
    expect(order.lastIndexOf("small")).toBeLessThan(100 + 2 * 10 + 2);
    await expect.poll(() => order.length).toBe(1010);
    const largest = order.filter((id) => id === "large");
    expect(largest).toHaveLength(1000);
  });

  it("gives a campaign with batches its turns in batches, and not more of them", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    await client.add({ ...campaign("batches"), batchSize: 3 }, runs(9));
    await client.add(campaign("single"), runs(9));
    const order: string[] = [];
    await using _ = startConsumer(
      redis,
      (job) => Promise.resolve({ place: order.push(job.id.slice(0, 1)) }),
      { concurrency: 1 },
    );
    await expect.poll(() => order.length).toBe(18);
    expect(order.join("")).toBe("bbbsssbbbsssbbbsss");
  });

  it("executes the runs of a campaign in their order", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    await client.add(campaign("c1"), runs(1500));
    const order: number[] = [];
    await using _ = startConsumer(redis, (job) => Promise.resolve({ place: order.push(numberIn(job)) }), {
      concurrency: 1,
    });
    await expect.poll(() => order.length, { timeout: 60_000 }).toBe(1500);
    expect(order).toEqual(runs(1500).map((each) => each.runNumber));
  });

  it("executes no more jobs concurrently than there are slots", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    let [running, most] = [0, 0];
    const three = deferred();
    await client.add(campaign("c1"), runs(20));
    await using _ = startConsumer(redis, async () => {
      most = Math.max(most, ++running);
      if (running === 3) three.resolve();
      await three.promise;
      running--;
      return {};
    }, { concurrency: 3 }); // prettier-ignore
    await expect.poll(async () => (await countJobs(socketConnection(redis.socket))).uncollected).toBe(20);
    expect(most).toBe(3);
  });

  it("starts the next job when one has released its slot, and completes both", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const second = deferred();
    await client.add(campaign("c1"), runs(2));
    await using _ = startConsumer(redis, async (job) => {
      job.release();
      if (numberIn(job) === 1) second.resolve();
      await second.promise;
      return {};
    }, { concurrency: 1, slots: 2 }); // prettier-ignore
    await expect.poll(async () => (await countJobs(socketConnection(redis.socket))).uncollected).toBe(2);
  });

  it("hands the jobs of a consumer that is stopped back to the queue", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(1));
    const begun = deferred();
    const first = startConsumer(redis, async (job) => {
      begun.resolve();
      await new Promise((_, reject) =>
        job.signal.addEventListener("abort", () => reject(new Error("ended"))),
      );
      return {};
    });
    await begun.promise;
    await first.stop();
    expect(first.errors).toEqual([]);
    expect(await countJobs(socketConnection(redis.socket))).toMatchObject({ waiting: 1, running: 0 });
    await using _ = startConsumer(redis, (job) => Promise.resolve({ attempt: job.attempt }));
    const events = await collectEvents(await client.follow("c1", runs(1), position));
    expect(events.at(-1)).toMatchObject({ type: "completed", value: { attempt: 2 } });
  });

  it("gives the job of a consumer without a sign of life to another one and refuses its late answer", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    const position = await client.position();
    await client.add(campaign("c1"), runs(1));
    const release = deferred();
    const taken = deferred();
    const silent = startConsumer(redis, async () => {
      taken.resolve();
      await release.promise;
      return { from: "silent" };
    }, { concurrency: 1 }); // prettier-ignore
    await taken.promise;
    await withAdmin(redis, (admin) =>
      admin.del(`bull:${RUN_QUEUE}:c1-0:lock`, `bull:${RUN_QUEUE}:stalled-check`),
    ); // as after a long silence
    await using _ = startConsumer(redis, (job) => Promise.resolve({ from: "second", lost: job.lost }), {
      lockMs: 5000, // it checks twice as often for jobs whose lock is gone; its own lock must not be
    });
    const events = await collectEvents(await client.follow("c1", runs(1), position));
    expect(events.at(-1)).toMatchObject({ type: "completed", value: { from: "second", lost: 1 } });
    release.resolve();
    await silent.stop();
    expect(silent.refused).toEqual([{ from: "silent" }]);
  });

  it("cancels waiting jobs, notifies running ones, and does not affect other campaigns", async () => {
    await using redis = await startRedis();
    await using client = await openQueueClient(socketConnection(redis.socket));
    await using state = await openCampaignState(socketConnection(redis.socket), () => undefined);
    await client.add(campaign("c1"), runs(50));
    await client.add(campaign("c2"), runs(5));
    using watch = state.watch("c1");
    using other = state.watch("c2");
    const position = await client.position();
    const removed = await client.cancel(
      "c1",
      runs(50).map((each) => each.runNumber),
    );
    expect(removed).toHaveLength(50);
    const events = await collectEvents(await client.follow("c1", runs(50), position));
    expect(events.filter((event) => event.type === "gone")).toHaveLength(50);
    await expect.poll(() => watch.signal.aborted).toBe(true);
    expect(other.signal.aborted).toBe(false);
    expect([await state.isCancelled("c1"), await state.isCancelled("c2")]).toEqual([true, false]);
    expect(await countJobs(socketConnection(redis.socket))).toMatchObject({ waiting: 5 });
  });

  it("shares one job between two clients that request the same build, and requests it again after a failure", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    let builds = 0;
    const end = new AbortController();
    const builder = consume({
      queue: BUILD_QUEUE, concurrency: 1, slots: 1, connection, lockMs: 30_000, signal: end.signal,
      handle: () => Promise.resolve(++builds === 1 ? { ok: false, command: "make", lastLines: ["no"], log: "/log" } : { ok: true, tookMs: 1 }),
      onRefused: () => Promise.resolve(), onError: (error) => { throw error; },
    }); // prettier-ignore
    const request = {
      protocol: PROTOCOL, source: campaign("x").source, sourcesHash: "s", checkoutName: "x", project: "",
      recipe: { kind: "none" as const }, mode: "release" as const, omnetpp: { version: "6.2.0" },
    }; // prettier-ignore
    const ask = () => client.build(request, new AbortController().signal);
    expect(await Promise.all([ask(), ask()])).toEqual([
      expect.objectContaining({ ok: false }),
      expect.objectContaining({ ok: false }),
    ]);
    expect(builds).toBe(1);
    expect(await ask()).toEqual({ ok: true, tookMs: 1 });
    end.abort();
    await builder;
  });

  it("distinguishes a campaign written by another version from a malformed one, and names the field", async () => {
    await using redis = await startRedis();
    await using state = await openCampaignState(socketConnection(redis.socket), () => undefined);
    const write = (wrong: object): Promise<void> =>
      withAdmin(redis, (admin) =>
        admin.set("swarm:campaign:c1", JSON.stringify({ ...campaign("c1"), ...wrong })),
      );
    await write({ protocol: 99 });
    await expect(state.find("c1")).rejects.toThrow("campaign c1 comes from another version of inet-swarm");
    await write({ runs: "many" });
    await expect(state.find("c1")).rejects.toThrow("campaign c1 is malformed at runs");
  });
});

async function withAdmin(redis: RedisServer, work: (admin: Redis) => Promise<unknown>): Promise<void> {
  const admin = new Redis(redis.socket);
  try {
    await work(admin);
  } finally {
    admin.disconnect();
  }
}

function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((accept) => (resolve = accept));
  return { promise, resolve };
}
