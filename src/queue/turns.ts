import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { LAST_PRIORITY, priorityOf, queueKey } from "./bull-layout.ts";

/**
 * Returns a function from a run's index in its campaign (from 0) to its priority, by start-time fair queueing: the k-th
 * run of a campaign has the priority of the run that is next when the campaign is queued, plus k. Thus, a campaign of
 * 10,000 runs and a later one of 10 take turns.
 * @param together number of consecutive runs with the same priority, which are executed as a batch.
 * @see Goyal, Vin, Cheng: "Start-time Fair Queueing" (SIGCOMM 1996).
 */
export async function fairTurns(
  redis: Redis,
  queue: Queue,
  together: number,
): Promise<(k: number) => number> {
  const [, score] = await redis.zrange(queueKey(queue.name, "prioritized"), 0, 0, "WITHSCORES");
  const now = score === undefined ? 1 : priorityOf(Number(score));
  return (k) => Math.min(now + k - (k % together), LAST_PRIORITY);
}
