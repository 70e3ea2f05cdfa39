import { realpath } from "node:fs/promises";
import { Redis } from "ioredis";
import { errorText, UserError } from "../errors.ts";
import { attempts } from "../system/poll.ts";
import { KEY_TYPES, queueKey } from "./bull-layout.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "./names.ts";
import { OLDEST_REDIS } from "./oldest-redis.ts";

const ANSWER_TIMEOUT_MS = 10_000;
const RETRY_MS = 1000;

/** The queue does not answer; it may do so later. */
class QueueUnreachable extends UserError {
  override name = "QueueUnreachable";
}

/**
 * Waits until the queue's Redis answers; for processes that may start before it.
 * @param onWaiting called once with the reason for waiting.
 * @returns false if the signal is aborted before Redis answers.
 * @throws {UserError} if Redis answers but cannot be used: wrong password, wrong version.
 */
export async function awaitQueue(
  connection: QueueConnection,
  onWaiting: (reason: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const nextAttempt = attempts({ everyMs: RETRY_MS, signal, onAbort: "stop" });
  let isReported = false;
  while (!signal.aborted) {
    try {
      await checkQueue(connection);
      return true;
    } catch (error) {
      if (!(error instanceof QueueUnreachable)) throw error;
      if (!isReported) onWaiting(`${error.message}; waiting for it`);
      isReported = true;
    }
    await nextAttempt();
  }
  return false;
}

/**
 * Checks that the queue's Redis answers and can be used. Without this check, a client with a wrong address or password,
 * or for a wrong version, would wait forever.
 * @throws {UserError} naming the reason.
 */
export async function checkQueue(connection: QueueConnection): Promise<void> {
  const redis = new Redis({
    ...connection,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: ANSWER_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  let cause: Error | undefined; // the failing command only reports that the connection is closed
  redis.on("error", (error) => (cause ??= error));
  try {
    await redis.connect();
    const info = await redis.info();
    checkVersion(info, connection);
    if (/^loading:1/m.test(info)) throw new Error("still loading its data");
    checkSettings(info, connection);
    await checkData(redis, connection);
  } catch (error) {
    if (cause instanceof UserError) throw cause; // the socket does not belong to this user
    throw error instanceof UserError ? error : explainFailure(cause ?? error, connection);
  } finally {
    redis.disconnect();
  }
}

function checkVersion(info: string, connection: QueueConnection): void {
  const version = /^redis_version:(\d+)\.(\d+)\S*/m.exec(info);
  const [major, minor] = version ? [Number(version[1]), Number(version[2])] : [0, 0];
  const [oldestMajor, oldestMinor] = OLDEST_REDIS;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const found = version?.[0].split(":")[1] ?? "of an unknown version";
  throw new UserError(
    `the Redis at ${address(connection)} is ${found}; at least ${OLDEST_REDIS.join(".")} is required`,
    {
      hint: "install a newer redis-server or valkey-server, then halt and resume the swarm",
    },
  );
}

/**
 * Rejects a Redis that may lose or refuse jobs: one that evicts keys, a replica, a cluster, a sentinel.
 * Uses `INFO`, because managed services do not allow `CONFIG`.
 */
function checkSettings(info: string, connection: QueueConnection): void {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
  const refuse = (what: string, hint: string): never => {
    throw new UserError(`the Redis at ${address(connection)} ${what}`, { hint });
  };
  const policy = field("maxmemory_policy") ?? "noeviction";
  const limit = Number(field("maxmemory") ?? 0);
  if (limit > 0 && policy !== "noeviction") {
    refuse(
      `may delete jobs and results when its memory is full (maxmemory ${limit} bytes, maxmemory-policy ${policy})`,
      "disable this: redis-cli CONFIG SET maxmemory-policy noeviction, also in its configuration file or parameter group",
    );
  }
  if (field("role") === "slave") {
    refuse("is a read-only replica", "give the address of its primary in REDIS_URL");
  }
  if (field("cluster_enabled") === "1" || field("redis_mode") === "cluster") {
    refuse("is a cluster, which queues do not support", "use a Redis with cluster mode disabled");
  }
  if (field("redis_mode") === "sentinel") {
    refuse(
      "is a sentinel, which stores no data",
      "give the address of the primary that it watches in REDIS_URL",
    );
  }
}

const KEYS = Object.keys(KEY_TYPES) as (keyof typeof KEY_TYPES)[];

/** Rejects a Redis in which another application uses our keys, and one at a socket that belongs to another swarm. */
async function checkData(redis: Redis, connection: QueueConnection): Promise<void> {
  const { dataDirectory } = connection;
  if (dataDirectory !== undefined) {
    const [, found] = (await redis.config("GET", "dir")) as [string, string];
    if (!(await isSameFolder(found, dataDirectory))) {
      throw new UserError(
        `the Redis at ${address(connection)} is not this swarm's: its data is in ${found}`,
        {
          hint: `stop it, then resume the swarm, whose data is in ${dataDirectory}`,
        },
      );
    }
  }
  const keys = [RUN_QUEUE, BUILD_QUEUE].flatMap((queue) =>
    KEYS.map((name) => ({ key: queueKey(queue, name), expected: KEY_TYPES[name] })),
  );
  const types = await Promise.all(keys.map(({ key }) => redis.type(key)));
  const wrong = keys.findIndex(({ expected }, at) => types[at] !== "none" && types[at] !== expected);
  if (wrong < 0) return;
  throw new UserError(
    `the Redis at ${address(connection)} holds data of another application: its key ${keys[wrong]!.key} is a ${types[wrong]}`,
    { hint: "use another Redis, or another database of it: redis://HOST:PORT/1" },
  );
}

async function isSameFolder(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((folder) => realpath(folder).catch(() => folder)));
  return a === b;
}

function explainFailure(error: unknown, connection: QueueConnection): UserError {
  const text = errorText(error);
  const where = `the queue's Redis at ${address(connection)}`;
  if (/NOAUTH|WRONGPASS|invalid password/i.test(text)) {
    return new UserError(`${where} refuses the password`, {
      hint: "the swarm's password has changed; fetch it again with: swarm-tool connect",
      cause: error,
    });
  }
  return new QueueUnreachable(`cannot reach ${where}: ${text}`, {
    hint: "check what is running with: swarm-tool status",
    cause: error,
  });
}

function address({ path, host, port }: QueueConnection): string {
  return path ?? `${host ?? "localhost"}:${port ?? 6379}`;
}
