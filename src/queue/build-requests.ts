import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { BuildAnswerSchema, buildKey, BuildRequestSchema, type BuildRequest } from "../model/build.ts";
import { jsonIn, parseOrExplain } from "../system/json.ts";
import { BUILD_QUEUE, buildJobId, CAMPAIGN_TTL_SECONDS, type QueueConnection } from "./names.ts";

// The build store of a machine, or of the swarm, may lose a build while runs of it wait. How it was made is kept
// beside the queue, so that a runner can have it made again though no client is there.

const requestKey = (key: string): string => `swarm:build-request:${key}`;

/** Keeps how a build is made, as long as runs of it may wait. */
export async function keepBuildRequest(redis: Redis, request: BuildRequest): Promise<void> {
  await redis.set(requestKey(buildKey(request)), JSON.stringify(request), "EX", CAMPAIGN_TTL_SECONDS);
}

/** What became of the wish to have a build again. */
type Rebuilding =
  /** It is being built, or waits for a builder. */
  | { state: "under way" }
  /** It has been queued now. */
  | { state: "queued" }
  /** Nobody knows how it was made. */
  | { state: "unknown" }
  /** It could not be built: the words of the builder. */
  | { state: "failed"; reason: string };

/** Has lost builds made again. */
export interface Rebuilder extends AsyncDisposable {
  ask(key: string): Promise<Rebuilding>;
}

export function openRebuilder(connection: QueueConnection, onError: (error: Error) => void): Rebuilder {
  let opened: { redis: Redis; queue: Queue } | undefined;
  const open = (): { redis: Redis; queue: Queue } => {
    const redis = new Redis(connection);
    const queue = new Queue(BUILD_QUEUE, { connection: redis, skipVersionCheck: true });
    for (const emitter of [redis, queue]) emitter.on("error", onError);
    return { redis, queue };
  };
  return {
    async ask(key) {
      const { redis, queue } = (opened ??= open());
      return await askAgain(redis, queue, key);
    },
    async [Symbol.asyncDispose]() {
      opened?.redis.disconnect();
      await opened?.queue.close().catch(onError);
    },
  };
}

async function askAgain(redis: Redis, queue: Queue, key: string): Promise<Rebuilding> {
  const id = buildJobId(key);
  const job = await queue.getJob(id);
  if (job !== undefined && job.finishedOn === undefined) return { state: "under way" };
  if (job !== undefined) {
    const answer = parseOrExplain(BuildAnswerSchema, job.returnvalue, "the builder's answer");
    if (!answer.ok) return { state: "failed", reason: answer.reason ?? `${answer.command} failed` };
  }
  const text = await redis.get(requestKey(key));
  if (text === null) return { state: "unknown" };
  const request = parseOrExplain(BuildRequestSchema, jsonIn(text), `the request for build ${key}`);
  if (job !== undefined) await queue.remove(id);
  await queue.add("build", request, { jobId: id });
  return { state: "queued" };
}
