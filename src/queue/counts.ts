import type { Redis } from "ioredis";
import { answersOf } from "./pipelines.ts";
import { askQueue } from "./ask-queue.ts";
import type { QueueLength } from "../model/dashboard.ts";
import { ENDED_SETS, queueKey } from "./bull-layout.ts";
import { readStoppedWorkers, describeStoppedWorker } from "./troubles.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "./names.ts";

/** Number of a swarm's jobs, runs and builds together. */
export interface JobCounts {
  waiting: number;
  running: number;
  /** Runs that have ended and are not yet collected. */
  uncollected: number;
  /** One line for each worker that has stopped taking jobs, with the reason; undefined if there are none. */
  troubles?: string[];
}

/** Returns the number of a swarm's jobs. @throws {UserError} if the queue does not answer in time. */
export async function countJobs(connection: QueueConnection): Promise<JobCounts> {
  return await askQueue(connection, count);
}

async function count(redis: Redis): Promise<JobCounts> {
  const [troubles, runs, builds] = await Promise.all([
    readStoppedWorkers(redis),
    readLength(redis, RUN_QUEUE),
    readLength(redis, BUILD_QUEUE),
  ]);
  return {
    waiting: runs.waiting + runs.delayed + builds.waiting + builds.delayed,
    running: runs.running + builds.running,
    uncollected: runs.uncollected,
    ...(troubles.length > 0 && { troubles: troubles.map(describeStoppedWorker) }),
  };
}

/** Returns the number of jobs in a queue. BullMQ, which can count them, too, takes longer to load than the answer takes. */
export async function readLength(redis: Redis, queue: string): Promise<QueueLength> {
  const pipeline = redis
    .pipeline()
    .llen(queueKey(queue, "wait"))
    .zcard(queueKey(queue, "prioritized"))
    .zcard(queueKey(queue, "delayed"))
    .llen(queueKey(queue, "active"));
  for (const set of ENDED_SETS) pipeline.zcard(queueKey(queue, set));
  const [wait, prioritized, delayed, running, ...ended] = (await answersOf(pipeline)).map((answer) =>
    Number(answer ?? 0),
  ) as [number, number, number, number, ...number[]];
  return {
    waiting: wait + prioritized,
    delayed,
    running,
    uncollected: ended.reduce((sum, size) => sum + size, 0),
  };
}
