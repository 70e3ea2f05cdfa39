import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { BUILD_QUEUE, RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { consume } from "../../src/queue/consumer.ts";
import { Postponed } from "../../src/queue/postponed.ts";
import { openTroubleReport } from "../../src/queue/troubles.ts";
import { watchQueue } from "../../src/queue/watch.ts";
import { parseWorkerName, workerName } from "../../src/queue/worker-name.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

describe("the name of a worker", () => {
  it.each([
    { protocol: 8, host: "node-1.example.org", slots: 16 },
    { protocol: 8, host: "node-1", slots: undefined },
    { protocol: 12, host: "a@b", slots: 1 },
  ])("contains $host and $slots slots", (name) => {
    expect(parseWorkerName(workerName(name))).toEqual(name);
  });

  it.each(["", "protocol-8", "protocol-8@", "other", "protocol-x@host:3"])("is not %j", (text) => {
    expect(parseWorkerName(text)).toBeUndefined();
  });
});

const request = {
  checkoutName: "inet",
  project: "showcases",
  mode: "release",
  omnetpp: { version: "6.2.0" },
};

/** Takes jobs of a queue until the test ends. Each one is handled by the function. */
function worker(
  connection: ReturnType<typeof socketConnection>,
  queue: string,
  options: Pick<Parameters<typeof consume>[0], "concurrency" | "handle">,
): AsyncDisposable {
  const end = new AbortController();
  const consuming = consume({
    queue,
    slots: options.concurrency,
    connection,
    lockMs: 30_000,
    onRefused: () => Promise.resolve(),
    onError: () => undefined,
    signal: end.signal,
    ...options,
  });
  return {
    async [Symbol.asyncDispose]() {
      end.abort();
      await consuming;
    },
  };
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true }),
  );

describeWithService("redis-server", "what the dashboard reads about the swarm", () => {
  it("is the workers with their slots, the jobs, and the builds with their progress", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    using watch = watchQueue(connection);
    const runs = new Queue(RUN_QUEUE, { connection });
    const builds = new Queue(BUILD_QUEUE, { connection });
    await expect
      .poll(() => watch.swarm().catch(() => undefined))
      .toEqual({
        workers: [],
        stopped: [],
        runs: { waiting: 0, delayed: 0, running: 0, uncollected: 0 },
        builds: [],
      });
    for (const [number, priority] of [1, 2, 3, 4].entries())
      await runs.add("run", {}, { jobId: `c-${number}`, priority });
    await builds.add("build", request, { jobId: "b-1" });
    await builds.add("build", { ...request, project: "" }, { jobId: "b-2" });
    await builds.add("build", { checkoutName: 7 }, { jobId: "b-3" });
    {
      await using _runner = worker(connection, RUN_QUEUE, {
        concurrency: 2,
        handle: ({ id, signal }) => {
          if (id === "c-0") throw new Postponed(3600_000);
          return id === "c-1" ? Promise.resolve({}) : untilAborted(signal);
        },
      });
      await using _builder = worker(connection, BUILD_QUEUE, {
        concurrency: 1,
        handle: ({ report, signal }) => {
          report({ started: 17, total: 60, file: "Server.cc", elapsedMs: 9000 });
          return untilAborted(signal);
        },
      });
      const host = parseWorkerName(workerName())!.host;
      await expect
        .poll(() => watch.swarm())
        .toMatchObject({
          workers: expect.arrayContaining([
            { role: "runner", host, slots: 2 },
            { role: "builder", host, slots: 1 },
          ]) as unknown,
          runs: { waiting: 0, delayed: 1, running: 2, uncollected: 1 },
          builds: [
            {
              state: "running",
              project: "inet/showcases",
              mode: "release",
              omnetpp: "6.2.0",
              host,
              startedAt: expect.any(Number) as number,
              progress: { started: 17, total: 60, file: "Server.cc" },
            },
            { state: "waiting", project: "inet", host: undefined },
          ],
        });
      await using report = openTroubleReport(connection, "runner", () => undefined);
      report.set("the disk is full");
      await expect
        .poll(async () => (await watch.swarm()).stopped)
        .toEqual([{ role: "runner", host, reason: "the disk is full" }]);
    }
    await expect.poll(async () => (await watch.swarm()).workers).toEqual([]);
    await Promise.all([runs.close(), builds.close()]);
  });

  it("is complete although entries of the queue are damaged", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    using watch = watchQueue(connection);
    const raw = new Redis(connection);
    await raw.set("swarm:troubles", "text");
    await raw.set("bull:run:delayed", "text");
    await raw.set("bull:build:active", "text");
    await expect
      .poll(() => watch.swarm().catch(() => undefined))
      .toEqual({
        workers: [],
        stopped: [],
        runs: { waiting: 0, delayed: 0, running: 0, uncollected: 0 },
        builds: [],
      });
    raw.disconnect();
  });
});
