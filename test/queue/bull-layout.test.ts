import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Queue, Worker, type Job } from "bullmq";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import {
  ENDED_SETS,
  FIELD,
  jobIdsIn,
  jobKey,
  KEY_TYPES,
  LAST_PRIORITY,
  priorityOf,
  queueKey,
  WAITING_STATES,
  workerConnections,
} from "../../src/queue/bull-layout.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

const NAME = "layout";

/** A queue on a server of its own, and a worker that takes jobs only on request. */
async function openLayout() {
  const redis = await startRedis();
  const connection = socketConnection(redis.socket);
  const queue = new Queue(NAME, { connection });
  const worker = new Worker(NAME, null, { connection, name: "our-name" });
  const raw = new Redis(connection);
  return {
    queue,
    raw,
    add: (jobId: string, priority: number) => queue.add("run", { number: 1 }, { jobId, priority }),
    take: (): Promise<Job> => worker.getNextJob("token", { block: false }),
    stored: (id: string) => raw.hgetall(jobKey(NAME, id)),
    async [Symbol.asyncDispose]() {
      raw.disconnect();
      await Promise.all([worker.close(true), queue.close()]);
      await redis[Symbol.asyncDispose]();
    },
  };
}

describe("the version of BullMQ", () => {
  it("is pinned, because we read its keys, and is the installed one", async () => {
    const manifest = new URL("../../package.json", import.meta.url);
    const { devDependencies } = JSON.parse(await readFile(manifest, "utf8")) as {
      devDependencies: Record<string, string>;
    };
    const installed = createRequire(import.meta.url)("bullmq/package.json") as { version: string };
    expect(devDependencies["bullmq"]).toMatch(/^\d+\.\d+\.\d+$/);
    expect(installed.version).toBe(devDependencies["bullmq"]);
  });
});

describe("job ids in a text", () => {
  it("are those of the queue, whatever surrounds them", () => {
    const text = "\r\n$17\r\nbull:run:c1-12\r\nbull:run:c1-3:lock\0bull:build:b-1\nxbull:run:c2-0";
    expect(jobIdsIn(text, "run")).toEqual(["c1-12", "c1-3", "c2-0"]);
  });
});

describeWithService("redis-server", "BullMQ's layout in Redis", () => {
  it("has keys of the expected types", async () => {
    await using layout = await openLayout();
    await layout.queue.add("run", {});
    await layout.add("second", 1);
    await (await layout.take()).moveToCompleted(1, "token", false);
    await layout.queue.add("run", {});
    const taken = await layout.take();
    await layout.queue.add("run", {});
    await layout.add("third", 1);
    const types = await Promise.all(
      Object.keys(KEY_TYPES).map(async (name) => [
        name,
        await layout.raw.type(queueKey(NAME, name as keyof typeof KEY_TYPES)),
      ]),
    );
    expect(Object.fromEntries(types)).toEqual(KEY_TYPES);
    expect(await layout.raw.lrange(queueKey(NAME, "active"), 0, -1)).toEqual([taken.id]);
    expect(await layout.raw.type(queueKey(NAME, "events"))).toBe("stream");
  });

  it("has one connection with the name of a worker that waits for jobs", async () => {
    await using layout = await openLayout();
    const names = async (): Promise<string[]> =>
      [...String(await layout.raw.client("LIST")).matchAll(/ name=(\S+)/g)].map(([, name]) => name!);
    await expect.poll(names).toEqual([`${workerConnections(NAME)}our-name`]);
  });

  it("orders jobs by priority, and jobs of equal priority by age", async () => {
    await using layout = await openLayout();
    for (const [id, priority] of [
      ["last", LAST_PRIORITY],
      ["b1", 7],
      ["b2", 7],
      ["a", 1],
    ] as const)
      await layout.add(id, priority);
    const [...flat] = await layout.raw.zrange(queueKey(NAME, "prioritized"), 0, -1, "WITHSCORES");
    const found = flat.flatMap((id, at) => (at % 2 === 0 ? [[id, priorityOf(Number(flat[at + 1]))]] : []));
    expect(found).toEqual([
      ["a", 1],
      ["b1", 7],
      ["b2", 7],
      ["last", LAST_PRIORITY],
    ]);
    await expect(layout.add("beyond", LAST_PRIORITY + 1)).rejects.toThrow();
  });

  it("has a start only while a job is active, and an end and a value once it has completed", async () => {
    await using layout = await openLayout();
    await layout.add("j", 1);
    expect(await layout.stored("j")).toMatchObject({ [FIELD.name]: "run", [FIELD.data]: '{"number":1}' });
    expect(Object.keys(await layout.stored("j"))).toContain(FIELD.options);
    expect(Object.keys(await layout.stored("j"))).not.toContain(FIELD.startedAt);
    const before = Date.now();
    const job = await layout.take();
    await job.updateProgress({ events: 5 });
    const running = await layout.stored("j");
    expect(Number(running[FIELD.startedAt])).toBeGreaterThanOrEqual(before);
    expect(running[FIELD.progress]).toBe('{"events":5}');
    expect(running[FIELD.worker]).toBe("our-name");
    expect(Object.keys(running)).not.toContain(FIELD.finishedAt);
    await job.moveToCompleted({ done: true }, "token", false);
    const ended = await layout.stored("j");
    expect(Number(ended[FIELD.finishedAt])).toBeGreaterThanOrEqual(before);
    expect(ended[FIELD.value]).toBe('{"done":true}');
    expect(Object.keys(ended)).not.toContain(FIELD.failure);
    const [id, score] = await layout.raw.zrange(queueKey(NAME, "completed"), 0, -1, "WITHSCORES");
    expect([id, score]).toEqual(["j", ended[FIELD.finishedAt]]);
  });

  it("has the reason, the stack and an end of a job that failed", async () => {
    await using layout = await openLayout();
    await layout.add("j", 1);
    await (await layout.take()).moveToFailed(new Error("no disk"), "token", false);
    const ended = await layout.stored("j");
    expect(ended[FIELD.failure]).toBe("no disk");
    expect(ended[FIELD.stack]).toContain("no disk");
    const [id, score] = await layout.raw.zrange(queueKey(NAME, "failed"), 0, -1, "WITHSCORES");
    expect([id, score]).toEqual(["j", ended[FIELD.finishedAt]]);
  });

  it("has the states under the names that we query", async () => {
    await using layout = await openLayout();
    const states = [await layout.queue.add("run", {}).then((job) => job.getState())];
    states.push(await layout.add("p", 1).then((job) => job.getState()));
    states.push(await layout.queue.add("run", {}, { delay: 60_000 }).then((job) => job.getState()));
    expect(states).toEqual(WAITING_STATES);
    await (await layout.take()).moveToCompleted(1, "token", false);
    await (await layout.take()).moveToFailed(new Error("x"), "token", false);
    expect(await layout.queue.getJobCounts(...WAITING_STATES, "active", ...ENDED_SETS)).toEqual({
      waiting: 0,
      prioritized: 0,
      delayed: 1,
      active: 0,
      completed: 1,
      failed: 1,
    });
  });
});
