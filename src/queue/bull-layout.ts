import type { Redis } from "ioredis";

// How BullMQ stores its queues in Redis. Only this module uses its keys, fields and scores. The version is pinned exactly
// in package.json, and test/queue/bull-layout.test.ts fails if the layout of the installed version differs.
// Source: BullMQ's Lua scripts, `addPrioritizedJob`, `moveToActive`, `moveToFinished`.

/** Types of a queue's keys, to distinguish a queue from other data under the same keys. */
export const KEY_TYPES = {
  meta: "hash",
  wait: "list",
  active: "list",
  prioritized: "zset",
  completed: "zset",
} as const;

type QueueKey = keyof typeof KEY_TYPES | "delayed" | "failed" | "events";

/** Returns the key of one of a queue's sets, lists or streams. */
export function queueKey(queue: string, name: QueueKey): string {
  return `bull:${queue}:${name}`;
}

/** Returns the key of the hash with a job's fields. */
export function jobKey(queue: string, jobId: string): string {
  return `bull:${queue}:${jobId}`;
}

/** Returns the beginning of the names that Redis shows for the connections of a queue's workers. */
export function workerConnections(queue: string): string {
  return `bull:${Buffer.from(queue).toString("base64")}:w:`;
}

/** Returns the ID of the latest event of a queue; `0-0` if there is none. */
export async function lastEventId(redis: Redis, queue: string): Promise<string> {
  const [last] = await redis.xrevrange(queueKey(queue, "events"), "+", "-", "COUNT", 1);
  return last?.[0] ?? "0-0";
}

/** Returns the IDs of the jobs whose keys are part of a text, such as Redis's append-only file. */
export function jobIdsIn(text: string, queue: string): string[] {
  return [...text.matchAll(new RegExp(`bull:${queue}:([\\w-]+)`, "g"))].map(([, id]) => id!);
}

/** Fields of a job's hash. Times are in ms since 1970; the value is JSON. */
export const FIELD = {
  name: "name",
  data: "data",
  options: "opts",
  /** Set when a worker takes the job; requeueing the job does not reset it (see the consumer's `#forgetStart`). */
  startedAt: "processedOn",
  /** Set when the job has completed or failed. */
  finishedAt: "finishedOn",
  /** The priority with which a job is requeued. */
  priority: "priority",
  progress: "progress",
  /** Name of the worker that has taken the job; requeueing the job does not reset it. */
  worker: "pb",
  value: "returnvalue",
  failure: "failedReason",
  stack: "stacktrace",
} as const;

/** The sets of ended jobs, with their end times in ms since 1970 as scores. */
export const ENDED_SETS = ["completed", "failed"] as const;

/** The states of a job that no worker has taken. */
export const WAITING_STATES = ["waiting", "prioritized", "delayed"] as const;

/** The largest priority value; the job with the smallest value, from 1, is taken first. */
export const LAST_PRIORITY = 2 ** 21 - 1;

/** A score in the set `prioritized` is the priority times this, plus a counter that orders jobs of equal priority. */
const SCORE_UNIT = 2 ** 32;

/** Returns the priority of a job from its score in the set `prioritized`. */
export function priorityOf(score: number): number {
  return Math.floor(score / SCORE_UNIT);
}

/** Returns the expression in Lua for the priority of a job from its score. */
export function luaPriorityOf(score: string): string {
  return `math.floor(${score} / ${SCORE_UNIT})`;
}

/** A score in the set `delayed` is the time, in ms since 1970, from which workers may take the job, times this. */
const DELAY_UNIT = 0x1000;

/** Returns the smallest score in the set `delayed` of jobs that no worker may take before a time in ms since 1970. */
export function delayedFrom(time: number): number {
  return time * DELAY_UNIT;
}
