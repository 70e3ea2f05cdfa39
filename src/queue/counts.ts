import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { UserError } from "../errors.ts";
import { ENDED_SETS, WAITING_STATES } from "./bull-layout.ts";
import { awakeFor } from "../system/awake.ts";
import { readTroubles, troubleLine } from "./troubles.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "./names.ts";

/** How much work a swarm has: runs and builds together. */
export interface JobCounts {
  waiting: number;
  running: number;
  /** Runs that have ended and whose client has not yet fetched them. */
  uncollected: number;
  /** Workers that take no jobs now, and why, each in one line; undefined if there is none. */
  troubles?: string[];
}

/** Counting takes a millisecond; only a Redis that hangs, or is not there, takes longer than this. */
const ANSWER_TIMEOUT_MS = 3000;
/** The way to one on another machine has to be opened first: with ssh, and a process there. */
const FAR_ANSWER_TIMEOUT_MS = 15_000;
/** A Redis that hangs does not close its side of the connection either. */
const DISCONNECT_TIMEOUT_MS = 100;

/** @throws {UserError} where the queue does not answer. */
export async function countJobs(connection: QueueConnection): Promise<JobCounts> {
  const redis = new Redis({ ...connection, disconnectTimeout: DISCONNECT_TIMEOUT_MS });
  redis.on("error", () => undefined); // it does not answer then, and that is said below
  const timer = new AbortController();
  const timeoutMs = connection.path === undefined ? FAR_ANSWER_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
  const silence = awakeFor(timeoutMs, timer.signal).then(() => {
    throw new UserError("the queue of the swarm is not responding");
  });
  const counted = count(redis);
  for (const promise of [silence, counted]) promise.catch(() => undefined); // whichever comes too late
  try {
    return await Promise.race([counted, silence]);
  } finally {
    timer.abort();
    redis.disconnect();
  }
}

async function count(connection: Redis): Promise<JobCounts> {
  const troubles = await readTroubles(connection);
  const [runs, builds] = await Promise.all(
    [RUN_QUEUE, BUILD_QUEUE].map((name) => {
      const queue = new Queue(name, { connection });
      queue.on("error", () => undefined);
      return queue.getJobCounts(...WAITING_STATES, "active", ...ENDED_SETS);
    }),
  );
  const sum = (...names: string[]): number =>
    names.reduce((total, name) => total + (runs?.[name] ?? 0) + (builds?.[name] ?? 0), 0);
  return {
    waiting: sum(...WAITING_STATES),
    running: sum("active"),
    uncollected: (runs?.["completed"] ?? 0) + (runs?.["failed"] ?? 0),
    ...(troubles.length > 0 && { troubles: troubles.map(troubleLine) }),
  };
}
