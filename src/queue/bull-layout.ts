// How BullMQ stores its queues in Redis: the only module that knows its keys, fields and scores. The version is pinned
// exactly in package.json, and test/queue/bull-layout.test.ts fails if the layout of an installed version differs.
// Source: BullMQ's Lua scripts, `addPrioritizedJob`, `moveToActive`, `moveToFinished`.

/** Types of a queue's keys, by which it is told from other data under the same names. */
export const KEY_TYPES = {
  meta: "hash",
  wait: "list",
  active: "list",
  prioritized: "zset",
  completed: "zset",
} as const;

type QueueKey = keyof typeof KEY_TYPES | "failed" | "events";

/** The key of one of a queue's sets, lists or streams. */
export function queueKey(queue: string, name: QueueKey): string {
  return `bull:${queue}:${name}`;
}

/** The key of the hash with a job's fields. */
export function jobKey(queue: string, jobId: string): string {
  return `bull:${queue}:${jobId}`;
}

/** The ids of the jobs whose keys are part of a text, such as Redis's append-only file. */
export function jobIdsIn(text: string, queue: string): string[] {
  return [...text.matchAll(new RegExp(`bull:${queue}:([\\w-]+)`, "g"))].map(([, id]) => id!);
}

/** Fields of a job's hash. The times are in ms since 1970; a value is JSON. */
export const FIELD = {
  name: "name",
  data: "data",
  options: "opts",
  /** Set when a worker takes the job; stays until `forgetStart` removes it. */
  startedAt: "processedOn",
  /** Set when the job has completed or failed. */
  finishedAt: "finishedOn",
  progress: "progress",
  value: "returnvalue",
  failure: "failedReason",
  stack: "stacktrace",
} as const;

/** The sets of ended jobs; their scores are the times of the end, in ms since 1970. */
export const ENDED_SETS = ["completed", "failed"] as const;

/** The states of a job that no worker has taken. */
export const WAITING_STATES = ["waiting", "prioritized", "delayed"] as const;

/** The largest priority; 1 is served first. */
export const LAST_PRIORITY = 2 ** 21 - 1;

/** A score in the set `prioritized` is the priority times this, plus a counter that keeps the order of equal ones. */
const SCORE_UNIT = 2 ** 32;

/** The priority of a job in the set `prioritized`. */
export function priorityOf(score: number): number {
  return Math.floor(score / SCORE_UNIT);
}
