import { Redis } from "ioredis";
import { UserError } from "../errors.ts";
import { awakeFor } from "../system/awake.ts";
import type { QueueConnection } from "./names.ts";

/** An answer takes a millisecond, unless Redis hangs or is not running. */
const ANSWER_TIMEOUT_MS = 3000;
/** On another machine, an ssh connection and a process have to be started first. */
const REMOTE_ANSWER_TIMEOUT_MS = 15_000;
/** A Redis that hangs does not close its side of the connection. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Returns the answer of a queue to a question. @throws {UserError} if the queue does not answer in time. */
export async function askQueue<T>(
  connection: QueueConnection,
  question: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({ ...connection, disconnectTimeout: DISCONNECT_TIMEOUT_MS });
  redis.on("error", () => undefined); // a queue that does not answer is reported below
  const timer = new AbortController();
  const timeoutMs = connection.path === undefined ? REMOTE_ANSWER_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
  const timeout = awakeFor(timeoutMs, timer.signal).then(() => {
    throw new UserError("the queue of the swarm is not responding");
  });
  const answer = question(redis);
  for (const promise of [timeout, answer]) promise.catch(() => undefined); // the later one is ignored
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    timer.abort();
    redis.disconnect();
  }
}
