import type { Redis } from "ioredis";
import * as v from "valibot";
import { MODES } from "../model/build.ts";
import { parseBuildProgress } from "../model/build-progress.ts";
import type { Build, QueueLength } from "../model/dashboard.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { FIELD, jobKey, queueKey } from "./bull-layout.ts";
import { answersOf, isWrongType } from "./pipelines.ts";
import { readLength } from "./counts.ts";
import { BUILD_QUEUE, RUN_QUEUE } from "./names.ts";
import { readStoppedWorkers, type Trouble } from "./troubles.ts";
import { readFields } from "./watched-jobs.ts";
import { parseWorkerName } from "./worker-name.ts";
import { readWorkers, type ConnectedWorker } from "./workers.ts";

// What the dashboard reads about the swarm as a whole. Anybody who can write to the queue can write anything of any size.

/** What the queue knows about the swarm. */
export interface WatchedSwarm {
  /** The connected workers; undefined if Redis does not tell. */
  workers: ConnectedWorker[] | undefined;
  /** Workers that have stopped taking jobs. */
  stopped: Trouble[];
  runs: QueueLength;
  /** The builds that are running or waiting, at most {@link MOST_BUILDS}. */
  builds: Build[];
}

const MOST_BUILDS = 50;
const MOST_CHARACTERS = 200;

/** Reads what the queue knows about the swarm. */
export async function readSwarm(redis: Redis): Promise<WatchedSwarm> {
  const [workers, stopped, runs, builds] = await Promise.all([
    readWorkers(redis),
    readStopped(redis),
    readLength(redis, RUN_QUEUE),
    readBuilds(redis),
  ]);
  return { workers, stopped, runs, builds };
}

/** Returns the workers that have stopped taking jobs; none if the list of them is damaged. */
async function readStopped(redis: Redis): Promise<Trouble[]> {
  try {
    return await readStoppedWorkers(redis);
  } catch (error) {
    if (isWrongType(error)) return [];
    throw error;
  }
}

/** What is shown of the request for a build. */
const ShownSchema = v.object({
  checkoutName: v.string(),
  project: v.string(),
  mode: v.picklist(MODES),
  omnetpp: v.object({ version: v.string() }),
});

const BUILD_FIELDS = [FIELD.data, FIELD.startedAt, FIELD.finishedAt, FIELD.progress, FIELD.worker];

async function readBuilds(redis: Redis): Promise<Build[]> {
  const last = MOST_BUILDS - 1;
  const lists = redis
    .pipeline()
    .lrange(queueKey(BUILD_QUEUE, "active"), 0, last)
    .lrange(queueKey(BUILD_QUEUE, "wait"), 0, last)
    .zrange(queueKey(BUILD_QUEUE, "prioritized"), 0, last)
    .zrange(queueKey(BUILD_QUEUE, "delayed"), 0, last);
  const [active = [], ...waiting] = (await answersOf(lists)) as (string[] | undefined)[];
  const running = new Set(active);
  const ids = [...active, ...waiting.flatMap((list) => list ?? [])].slice(0, MOST_BUILDS);
  if (ids.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const id of ids) readFields(pipeline, jobKey(BUILD_QUEUE, id), BUILD_FIELDS);
  const answers = await answersOf(pipeline);
  return ids.flatMap((id, at) => buildIn(answers[at], running.has(id)) ?? []);
}

/** Returns a build; undefined if it has just ended, or its entry is damaged. */
function buildIn(fields: unknown, isRunning: boolean): Build | undefined {
  if (!Array.isArray(fields)) return undefined;
  const [data, startedAt, finishedAt, progress, worker] = fields as (string | null)[];
  const request = v.safeParse(ShownSchema, parseJsonOrUndefined(data));
  if (!request.success || finishedAt != null) return undefined;
  const { checkoutName, project, mode, omnetpp } = request.output;
  return {
    state: isRunning ? "running" : "waiting",
    project: [checkoutName, project].filter(Boolean).join("/").slice(0, MOST_CHARACTERS),
    mode,
    omnetpp: omnetpp.version.slice(0, MOST_CHARACTERS),
    host: isRunning ? parseWorkerName(worker ?? "")?.host : undefined,
    startedAt: isRunning && startedAt != null ? Number(startedAt) : undefined,
    progress: isRunning ? parseBuildProgress(parseJsonOrUndefined(progress)) : undefined,
  };
}
