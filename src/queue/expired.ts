import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { runJobId } from "../model/campaign.ts";
import { openNumbers } from "./campaign-list.ts";
import {
  CAMPAIGNS_KEY,
  campaignKey,
  openRunsKey,
  RUN_QUEUE,
  statesKey,
  supersededKey,
  unstartedKey,
  type QueueConnection,
} from "./names.ts";
import { chunks } from "./pipelines.ts";
import { forgetLimit } from "./run-limit.ts";

/** Removes what is left in the queue of campaigns that expired before they were collected. */
export async function forgetExpired(connection: QueueConnection): Promise<void> {
  // fails immediately if Redis is not available: this is called again later
  const redis = new Redis({ ...connection, maxRetriesPerRequest: 0, retryStrategy: () => null });
  const queue = new Queue(RUN_QUEUE, { connection: redis });
  for (const emitter of [queue, redis]) emitter.on("error", () => undefined); // the commands below fail
  try {
    for (const id of await redis.zrange(CAMPAIGNS_KEY, 0, -1)) {
      if ((await redis.exists(campaignKey(id))) === 1) continue;
      for (const chunk of chunks(await openNumbers(redis, id)))
        await Promise.all(chunk.map((number) => queue.remove(runJobId(id, number))));
      await redis.del(openRunsKey(id), statesKey(id), unstartedKey(id), supersededKey(id));
      await forgetLimit(redis, id);
      await redis.zrem(CAMPAIGNS_KEY, id);
    }
  } finally {
    await queue.close();
    redis.disconnect();
  }
}
