import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { openQueueClient } from "../../src/queue/client.ts";
import { RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { openRunLimits } from "../../src/queue/run-limit.ts";
import { someCampaign, someRuns as runs } from "../helpers/campaign.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

async function openQueue() {
  const redis = await startRedis();
  const connection = socketConnection(redis.socket);
  const client = await openQueueClient(connection);
  const queue = new Queue(RUN_QUEUE, { connection });
  const worker = new Worker(RUN_QUEUE, null, { connection });
  const raw = new Redis(connection);
  return {
    client,
    connection,
    take: () => worker.getNextJob("token", { block: false }),
    /** The waiting runs in the order in which workers take them. */
    waiting: async () => (await queue.getPrioritized()).map(({ id }) => id!),
    async [Symbol.asyncDispose]() {
      raw.disconnect();
      await client[Symbol.asyncDispose]();
      await Promise.all([worker.close(true), queue.close()]);
      await redis[Symbol.asyncDispose]();
    },
  };
}

describeWithService("redis-server", "a new order of waiting runs", () => {
  it("is that in which workers take them, also after a run was handed back", async () => {
    await using opened = await openQueue();
    await opened.client.add(someCampaign(), runs(5));
    const taken = await opened.take();
    await opened.client.reorder("c1", [4, 0, 3, 1, 2, 17]);
    expect(await opened.waiting()).toEqual(["c1-4", "c1-3", "c1-1", "c1-2"]);
    const next = await opened.take();
    expect([taken.id, next.id]).toEqual(["c1-0", "c1-4"]);
    await next.moveToWait("token");
    expect((await opened.waiting())[0]).toBe("c1-4");
  });

  it("leaves other campaigns their turns", async () => {
    await using opened = await openQueue();
    await opened.client.add(someCampaign(), runs(4));
    await opened.client.add(someCampaign({ id: "c2" }), runs(4));
    const before = await opened.waiting();
    await opened.client.reorder("c1", [3, 2, 1, 0]);
    const after = await opened.waiting();
    expect(after.map((id) => id.slice(0, 2))).toEqual(before.map((id) => id.slice(0, 2)));
    expect(after.filter((id) => id.startsWith("c1"))).toEqual(["c1-3", "c1-2", "c1-1", "c1-0"]);
    expect(after.filter((id) => id.startsWith("c2"))).toEqual(["c2-0", "c2-1", "c2-2", "c2-3"]);
  });

  it("also holds for the runs of a campaign that limits how many are executed concurrently", async () => {
    await using opened = await openQueue();
    const limited = someCampaign({ concurrency: 1 });
    await opened.client.add(limited, runs(4).reverse());
    expect(await opened.waiting()).toEqual(["c1-3"]);
    await opened.client.reorder("c1", [1, 0, 2]);
    await using limits = openRunLimits(opened.connection, (error) => expect.fail(error.message));
    const admission = limits.of(limited);
    expect(await admission.enter(3)).toBe(true);
    await opened.client.forget("c1", 3);
    admission.leave();
    await expect.poll(opened.waiting).toEqual(["c1-1"]);
  });
});
