import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Redis } from "ioredis";
import * as v from "valibot";
import { parseJsonOrUndefined } from "../system/json.ts";
import type { QueueConnection } from "./names.ts";

/** A worker that has stopped taking jobs, and the reason. */
const TroubleSchema = v.object({
  role: v.picklist(["runner", "builder"]),
  host: v.string(),
  reason: v.string(),
});
export type Trouble = v.InferOutput<typeof TroubleSchema>;

/** Set of the IDs of workers that have reported trouble. */
const TROUBLES_KEY = "swarm:troubles";
const troubleKey = (id: string): string => `swarm:trouble:${id}`;
/** The report of a lost worker expires after this time. */
const TTL_SECONDS = 60;
const REFRESH_MS = (TTL_SECONDS * 1000) / 3;
const MOST_REASON_CHARACTERS = 500;

/** Reports to all clients why this worker has stopped taking jobs. */
export interface TroubleReport extends AsyncDisposable {
  /** @param reason undefined if the worker takes jobs again. */
  set(reason: string | undefined): void;
}

/** Returns a worker's report, which connects to the queue's Redis when it is first set. */
export function openTroubleReport(
  connection: QueueConnection,
  role: Trouble["role"],
  onError: (error: Error) => void,
): TroubleReport {
  const redis = new Redis({ ...connection, lazyConnect: true }); // a healthy worker needs no connection
  redis.on("error", onError);
  const id = randomUUID();
  let text: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    if (text === undefined) return;
    const stored = redis.multi().sadd(TROUBLES_KEY, id).set(troubleKey(id), text, "EX", TTL_SECONDS).exec();
    stored.catch(onError);
  };
  const forget = async (): Promise<void> => {
    clearInterval(timer);
    if (text === undefined) return;
    text = undefined;
    await redis.multi().srem(TROUBLES_KEY, id).del(troubleKey(id)).exec();
  };
  return {
    set(reason) {
      if (reason === undefined) return void forget().catch(onError);
      clearInterval(timer);
      timer = setInterval(refresh, REFRESH_MS);
      const short = reason.slice(0, MOST_REASON_CHARACTERS);
      text = JSON.stringify({ role, host: hostname(), reason: short } satisfies Trouble);
      refresh();
    },
    async [Symbol.asyncDispose]() {
      if (redis.status === "ready") await forget().catch(onError);
      clearInterval(timer);
      redis.disconnect();
    },
  };
}

/** Returns the workers that have stopped taking jobs. Malformed reports are left out. */
export async function readStoppedWorkers(redis: Redis): Promise<Trouble[]> {
  const ids = await redis.smembers(TROUBLES_KEY);
  if (ids.length === 0) return [];
  const texts = await redis.mget(ids.map(troubleKey));
  const expired = ids.filter((_, at) => texts[at] === null);
  if (expired.length > 0) await redis.srem(TROUBLES_KEY, ...expired);
  return texts.flatMap((text) => {
    const trouble = v.safeParse(TroubleSchema, parseJsonOrUndefined(text));
    return trouble.success ? [trouble.output] : [];
  });
}

/** Returns a worker's report as one line for the user. */
export function describeStoppedWorker({ role, host, reason }: Trouble): string {
  return `the ${role} on ${host} has stopped taking jobs: ${reason}`;
}
