import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { errorText, UserError } from "../errors.ts";
import type { QueueConnection } from "./names.ts";

/** The oldest Redis that BullMQ recommends, for queues with priorities. @see BullMQ guide, "Redis compatibility" */
const OLDEST = [6, 2] as const;
const ANSWER_TIMEOUT_MS = 10_000;
const RETRY_MS = 1000;

/** Nothing answers there; it may do so later. */
class QueueUnreachable extends UserError {
  override name = "QueueUnreachable";
}

/**
 * Waits until the queue's Redis answers, for processes that may be started before it.
 * @param onWaiting is told once why it waits.
 * @returns false where it has not answered until the signal.
 * @throws {UserError} where it answers and is of no use: a wrong password, a wrong version.
 */
export async function awaitQueue(
  connection: QueueConnection,
  onWaiting: (reason: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let told = false;
  while (!signal.aborted) {
    try {
      await checkQueue(connection);
      return true;
    } catch (error) {
      if (!(error instanceof QueueUnreachable)) throw error;
      if (!told) onWaiting(`${error.message}; waiting for it`);
      told = true;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // aborted
  }
  return false;
}

/**
 * Makes sure that the queue's Redis is there and fit for use. Without this a wrong address, password or version
 * is a client that waits for ever.
 * @throws {UserError} saying which of these it is.
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
  let cause: Error | undefined; // the call that meets it only says that the connection is closed
  redis.on("error", (error) => (cause ??= error));
  try {
    await redis.connect();
    checkVersion(await redis.info("server"), connection);
  } catch (error) {
    throw error instanceof UserError ? error : explained(cause ?? error, connection);
  } finally {
    redis.disconnect();
  }
}

function checkVersion(info: string, connection: QueueConnection): void {
  const version = /^redis_version:(\d+)\.(\d+)\S*/m.exec(info);
  const [major, minor] = version ? [Number(version[1]), Number(version[2])] : [0, 0];
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  const found = version?.[0].split(":")[1] ?? "of an unknown version";
  throw new UserError(
    `the Redis at ${address(connection)} is ${found}; at least ${OLDEST.join(".")} is needed`,
    {
      hint: "install a newer redis-server, then halt and resume the swarm",
    },
  );
}

function explained(error: unknown, connection: QueueConnection): UserError {
  const text = errorText(error);
  const where = `the queue's Redis at ${address(connection)}`;
  if (/NOAUTH|WRONGPASS|invalid password/i.test(text)) {
    return new UserError(`${where} refuses the password`, {
      hint: "it is not the one that the swarm was made with: swarm-tool connect fetches it anew",
      cause: error,
    });
  }
  return new QueueUnreachable(`${where} cannot be reached: ${text}`, {
    hint: "swarm-tool status shows what of the swarm runs",
    cause: error,
  });
}

function address({ path, host, port }: QueueConnection): string {
  return path ?? `${host ?? "localhost"}:${port ?? 6379}`;
}
