import type { Queue } from "bullmq";
import type { Redis } from "ioredis";

/** BullMQ's largest priority; 1 is the first to be served. */
const LAST = 2 ** 21 - 1;
/** A job's score in the sorted set is its priority times this, plus a counter that keeps equals in order. */
const SCORE_UNIT = 2 ** 32;

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
  const [, score] = await redis.zrange(queue.toKey("prioritized"), 0, 0, "WITHSCORES");
  const now = score === undefined ? 1 : Math.floor(Number(score) / SCORE_UNIT);
  return (k) => Math.min(now + k - (k % together), LAST);
}
