import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Redis } from "ioredis";
import * as v from "valibot";
import { jsonIn } from "../system/json.ts";
import type { QueueConnection } from "./names.ts";

/** A worker that takes no jobs, and why. */
const TroubleSchema = v.object({
  role: v.picklist(["runner", "builder"]),
  host: v.string(),
  reason: v.string(),
});
export type Trouble = v.InferOutput<typeof TroubleSchema>;

/** A set of the ids of workers that have reported trouble. */
const TROUBLES_KEY = "swarm:troubles";
const troubleKey = (id: string): string => `swarm:trouble:${id}`;
/** The word of a worker that has vanished is forgotten after this time. */
const TTL_SECONDS = 60;
const REFRESH_MS = (TTL_SECONDS * 1000) / 3;
const MOST_REASON_CHARACTERS = 500;

/** Lets everybody know why a worker takes no jobs. */
export interface TroubleReport extends AsyncDisposable {
  /** @param reason undefined: it takes jobs again. */
  set(reason: string | undefined): void;
}

export function openTroubleReport(
  connection: QueueConnection,
  role: Trouble["role"],
  onError: (error: Error) => void,
): TroubleReport {
  const redis = new Redis({ ...connection, lazyConnect: true }); // a healthy worker needs none
  redis.on("error", onError);
  const id = randomUUID();
  let text: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    if (text === undefined) return;
    const told = redis.multi().sadd(TROUBLES_KEY, id).set(troubleKey(id), text, "EX", TTL_SECONDS).exec();
    told.catch(onError);
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
      timer = setInterval(tell, REFRESH_MS);
      const short = reason.slice(0, MOST_REASON_CHARACTERS);
      text = JSON.stringify({ role, host: hostname(), reason: short } satisfies Trouble);
      tell();
    },
    async [Symbol.asyncDispose]() {
      if (redis.status === "ready") await forget().catch(onError);
      clearInterval(timer);
      redis.disconnect();
    },
  };
}

/** Returns the workers that take no jobs now; what is not the word of a worker is left out. */
export async function readTroubles(redis: Redis): Promise<Trouble[]> {
  const ids = await redis.smembers(TROUBLES_KEY);
  if (ids.length === 0) return [];
  const texts = await redis.mget(ids.map(troubleKey));
  const gone = ids.filter((_, at) => texts[at] === null);
  if (gone.length > 0) await redis.srem(TROUBLES_KEY, ...gone);
  return texts.flatMap((text) => {
    const trouble = v.safeParse(TroubleSchema, jsonIn(text));
    return trouble.success ? [trouble.output] : [];
  });
}

/** Returns a trouble in one line. */
export function troubleLine({ role, host, reason }: Trouble): string {
  return `the ${role} on ${host} has stopped taking jobs: ${reason}`;
}
