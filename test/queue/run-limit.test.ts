import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { openQueueClient, type QueueClient } from "../../src/queue/client.ts";
import { forgetExpired } from "../../src/queue/expired.ts";
import { campaignKey, LIMITS_KEY, parkedKey, RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { openRunLimits, park, PARKED_MS } from "../../src/queue/run-limit.ts";
import { someCampaign, someRuns as runs } from "../helpers/campaign.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

const limited = someCampaign({ id: "limited2", concurrency: 2 });

async function openQueue() {
  const redis = await startRedis();
  const connection = socketConnection(redis.socket);
  const client = await openQueueClient(connection);
  const raw = new Redis(connection);
  const queue = new Queue(RUN_QUEUE, { connection });
  const errors: Error[] = [];
  return {
    client,
    raw,
    queue,
    connection,
    limits: (repairMs?: number) => openRunLimits(connection, (error) => errors.push(error), repairMs),
    /** The numbers of the runs that a worker may take. */
    ready: async () => (await queue.getPrioritized()).map(({ id }) => Number(id!.split("-")[1])).sort(),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await queue.close();
      raw.disconnect();
      await redis[Symbol.asyncDispose]();
      expect(errors).toEqual([]);
    },
  };
}

async function remove(client: QueueClient, ...numbers: number[]): Promise<void> {
  for (const number of numbers) await client.forget(limited.id, number);
}

describeWithService("redis-server", "the limit of a campaign", () => {
  it("lets workers take as many runs as it allows, and the next ones when these have ended", async () => {
    await using opened = await openQueue();
    await using limits = opened.limits();
    await opened.client.add(limited, runs(12));
    expect(await opened.ready()).toEqual([0, 1]);
    const first = limits.of(limited);
    const second = limits.of(limited);
    expect([await first.enter(0), await second.enter(1)]).toEqual([true, true]);
    expect(await limits.of(limited).enter(5)).toBe(false); // taken because a worker did not know the limit
    await remove(opened.client, 0, 1);
    first.leave();
    await expect.poll(opened.ready).toEqual([2, 3]);
  });

  it("ignores runs that were removed, and those of a worker that vanished after their end", async () => {
    await using opened = await openQueue();
    await using limits = opened.limits(10);
    await opened.client.add(limited, runs(8));
    for (const number of [0, 1]) await limits.of(limited).enter(number);
    await remove(opened.client, 0, 1, 2, 3); // nobody left
    await expect.poll(opened.ready).toEqual([4, 5]);
  });

  it("admits the runs of a client that was killed while it queued them", async () => {
    await using opened = await openQueue();
    await opened.raw.sadd(`swarm:open:${limited.id}`, 0, 1, 2);
    await park(opened.raw, limited, [0, 1, 2]);
    await using _ = opened.limits(10);
    await expect.poll(() => opened.raw.zcard(parkedKey(limited.id))).toBe(3);
    const jobs = [0, 1, 2].map((number) => ({
      name: "run",
      data: {},
      opts: { jobId: `${limited.id}-${number}`, priority: 1, delay: PARKED_MS },
    }));
    await opened.queue.addBulk(jobs);
    await expect.poll(opened.ready).toEqual([0, 1]);
  });

  it("keeps the limit of runs that are parked while another runner looks for parked ones", async () => {
    await using opened = await openQueue();
    await using _ = opened.limits(1);
    await opened.raw.sadd(`swarm:open:${limited.id}`, 0);
    for (let round = 0; round < 200; round++) {
      await park(opened.raw, limited, [0]);
      expect(await opened.raw.hlen(LIMITS_KEY)).toBe(1);
      await opened.raw.del(parkedKey(limited.id));
      await expect.poll(() => opened.raw.hlen(LIMITS_KEY), { interval: 1 }).toBe(0);
    }
  });

  it("leaves nothing behind when all runs have ended, or the campaign has expired", async () => {
    await using opened = await openQueue();
    await using limits = opened.limits(10);
    await opened.client.add(limited, runs(3));
    await remove(opened.client, 0, 1, 2);
    const limitKeys = async (): Promise<string[]> =>
      (await opened.raw.keys("swarm:*")).filter((key) => /limits|admitted|parked/.test(key));
    await expect.poll(limitKeys).toEqual([]);
    await limits[Symbol.asyncDispose]();
    await opened.client.add(limited, runs(3));
    await opened.raw.del(campaignKey(limited.id));
    await forgetExpired(opened.connection);
    expect(await limitKeys()).toEqual([]);
  });
});
