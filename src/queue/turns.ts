import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { LAST_PRIORITY, priorityOf, queueKey } from "./bull-layout.ts";

/**
 * Fair turns between campaigns, by start-time fair queueing: the k-th run of a campaign stands k places behind
 * the run whose turn it is when the campaign is queued. So one of 10,000 runs and a later one of 10 take turns.
 * @param together so many runs have their turn at once, and wait as much longer for the next.
 * @returns the priority of the k-th run, from 0.
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
