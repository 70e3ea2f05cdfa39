import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { UserError } from "../errors.ts";
import { ENDED_SETS, WAITING_STATES } from "./bull-layout.ts";
import { awakeFor } from "../system/awake.ts";
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

/** Counting takes a millisecond, unless Redis hangs or is not running. */
const ANSWER_TIMEOUT_MS = 3000;
/** On another machine, an ssh connection and a process have to be started first. */
const REMOTE_ANSWER_TIMEOUT_MS = 15_000;
/** A Redis that hangs does not close its side of the connection. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Returns the number of a swarm's jobs. @throws {UserError} if the queue does not answer in time. */
export async function countJobs(connection: QueueConnection): Promise<JobCounts> {
  const redis = new Redis({ ...connection, disconnectTimeout: DISCONNECT_TIMEOUT_MS });
  redis.on("error", () => undefined); // a queue that does not answer is reported below
  const timer = new AbortController();
  const timeoutMs = connection.path === undefined ? REMOTE_ANSWER_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
  const timeout = awakeFor(timeoutMs, timer.signal).then(() => {
    throw new UserError("the queue of the swarm is not responding");
  });
  const counted = count(redis);
  for (const promise of [timeout, counted]) promise.catch(() => undefined); // the later one is ignored
  try {
    return await Promise.race([counted, timeout]);
  } finally {
    timer.abort();
    redis.disconnect();
  }
}

async function count(connection: Redis): Promise<JobCounts> {
  const troubles = await readStoppedWorkers(connection);
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
    ...(troubles.length > 0 && { troubles: troubles.map(describeStoppedWorker) }),
  };
}
