import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { BuildAnswerSchema, buildKey, BuildRequestSchema, type BuildRequest } from "../model/build.ts";
import { parseJsonOrUndefined, parseOrExplain } from "../system/json.ts";
import { BUILD_QUEUE, buildJobId, CAMPAIGN_TTL_SECONDS, type QueueConnection } from "./names.ts";

// The build store of a machine or of the swarm may lose a build while runs that need it are queued. The request for the
// build is stored in Redis, so that a runner can have it built again even if no client is connected.

const requestKey = (key: string): string => `swarm:build-request:${key}`;

/** Stores the request for a build as long as runs that need it may be queued. */
export async function storeBuildRequest(redis: Redis, request: BuildRequest): Promise<void> {
  await redis.set(requestKey(buildKey(request)), JSON.stringify(request), "EX", CAMPAIGN_TTL_SECONDS);
}

/** State of a request to build a lost build again. */
type Rebuilding =
  /** The build is in progress or queued already. */
  | { state: "under way" }
  /** The build has just been queued. */
  | { state: "queued" }
  /** The original request is no longer stored. */
  | { state: "unknown" }
  /** The build failed, for this reason given by the builder. */
  | { state: "failed"; reason: string };

/** Has lost builds built again. */
export interface Rebuilder extends AsyncDisposable {
  /** Queues a lost build unless it is queued already. @param key key of the build. */
  ask(key: string): Promise<Rebuilding>;
}

/** Returns a rebuilder, which connects to the queue when it is first used. */
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
      return await requeueBuild(redis, queue, key);
    },
    async [Symbol.asyncDispose]() {
      opened?.redis.disconnect();
      await opened?.queue.close().catch(onError);
    },
  };
}

async function requeueBuild(redis: Redis, queue: Queue, key: string): Promise<Rebuilding> {
  const id = buildJobId(key);
  const job = await queue.getJob(id);
  if (job !== undefined && job.finishedOn === undefined) return { state: "under way" };
  if (job !== undefined) {
    const answer = parseOrExplain(BuildAnswerSchema, job.returnvalue, "the builder's answer");
    if (!answer.ok) return { state: "failed", reason: answer.reason ?? `${answer.command} failed` };
  }
  const text = await redis.get(requestKey(key));
  if (text === null) return { state: "unknown" };
  const request = parseOrExplain(
    BuildRequestSchema,
    parseJsonOrUndefined(text),
    `the request for build ${key}`,
  );
  if (job !== undefined) await queue.remove(id);
  await queue.add("build", request, { jobId: id });
  return { state: "queued" };
}
