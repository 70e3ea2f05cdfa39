import { Queue, Worker } from "bullmq";
import { expect, it } from "vitest";
import { RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { releaseStalled } from "../../src/queue/release-stalled.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";

describeWithService("redis-server", "a queue whose workers have vanished", () => {
  it("has no running job once the locks have expired", async () => {
    await using redis = await startRedis();
    const connection = socketConnection(redis.socket);
    const queue = new Queue(RUN_QUEUE, { connection });
    await queue.addBulk([1, 2, 3].map((number) => ({ name: "run", data: { number } })));
    const vanishing = new Worker(RUN_QUEUE, null, { connection, lockDuration: 500 });
    for (const token of ["a", "b"]) await vanishing.getNextJob(token, { block: false });
    await vanishing.close(true);
    expect(await queue.getJobCounts("active", "waiting")).toEqual({ active: 2, waiting: 1 });
    expect(await releaseStalled(connection, 20_000)).toBe(0);
    expect(await queue.getJobCounts("active", "waiting")).toEqual({ active: 0, waiting: 3 });
    await queue.close();
  });
});
