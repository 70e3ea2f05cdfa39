import { Redis } from "ioredis";
import { expect, it } from "vitest";
import type { Run } from "../../src/model/run.ts";
import { openQueueClient } from "../../src/queue/client.ts";
import { openMemoryRecords } from "../../src/queue/memory-records.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

const fail = (error: Error): void => expect.fail(error.message);
const earlier = someCampaign({ id: "earlier2", config: "Load" });
const later = someCampaign({ id: "later234", config: "Load" });
const other = someCampaign({ id: "other234", config: "Quick" });
const run = (runNumber: number): Run => ({
  config: "Load",
  runNumber,
  iterationVariables: { hosts: String(runNumber) },
  repetition: 0,
});

describeWithService("redis-server", "what a swarm knows about the memory of runs", () => {
  it("is shared by runners and by the campaigns of a study and config", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    let now = 0;
    using first = openMemoryRecords(connection, fail, () => now);
    using second = openMemoryRecords(connection, fail, () => now);
    const known = await second.of(later);
    expect(known.estimate({ hosts: "10" })).toBeUndefined();
    first.store(earlier, { hosts: "10" }, 3e9);
    now += 60_000;
    await expect
      .poll(async () => {
        now += 60_000;
        return (await second.of(later)).estimate({ hosts: "10" });
      })
      .toBe(3e9);
    expect((await second.of(other)).estimate({ hosts: "10" })).toBeUndefined();
  });

  it("ignores entries that no runner has written", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    using records = openMemoryRecords(connection, fail);
    records.store(earlier, { hosts: "10" }, 1e9);
    const raw = new Redis(connection);
    await expect.poll(() => raw.keys("swarm:memory:*")).toHaveLength(1);
    const [key] = await raw.keys("swarm:memory:*");
    await raw.hset(key!, { "not JSON": 5, "[1]": 5, '{"hosts":1}': 5, '{"hosts":"2"}': "much", "{}": -1 });
    raw.disconnect();
    const needs = await records.of(earlier);
    expect(needs.estimate({ hosts: "2" })).toBe(1e9);
    expect(needs.estimate({})).toBe(1e9);
  });

  it("can be compared with the runs that are next in the queue, which stay there", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    await using client = await openQueueClient(connection);
    using records = openMemoryRecords(connection, fail);
    expect(await records.nextRuns(2)).toEqual([]);
    await client.add(earlier, [0, 1, 2].map(run));
    for (const _ of [1, 2])
      expect(await records.nextRuns(2)).toMatchObject([
        { id: "earlier2-0", job: { campaign: "earlier2", run: run(0) } },
        { id: "earlier2-1", job: { run: run(1) } },
      ]);
  });
});
