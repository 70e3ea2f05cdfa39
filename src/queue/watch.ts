import { Redis } from "ioredis";
import * as v from "valibot";
import { errorText, UserError } from "../errors.ts";
import { RunJobSchema, runJobId, type Campaign } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import type { Run } from "../model/run.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { ENDED_SETS, FIELD, jobKey, queueKey } from "./bull-layout.ts";
import { chunks } from "./campaign-list.ts";
import { parseCampaign, runNumbers } from "./entries.ts";
import { outputKey } from "./live-output.ts";
import {
  CAMPAIGNS_KEY,
  campaignKey,
  cancelKey,
  openRunsKey,
  RUN_QUEUE,
  supersededKey,
  type QueueConnection,
} from "./names.ts";

/** A campaign with the numbers that the dashboard shows. */
export interface WatchedCampaign {
  campaign: Campaign;
  cancelled: boolean;
  /** Runs that have not been collected. */
  open: number;
  /** Runs that a later campaign has replaced. */
  superseded: number;
}

/** The stored data of a job that has not been collected. */
export interface JobFacts {
  run: Run | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** As sent by the worker, not yet checked; so is `result`. */
  progress: unknown;
  result: unknown;
}

/**
 * A read-only view of the queue of runs, for the dashboard. Each query has a time limit, and fails immediately if Redis
 * is not available. Reconnects automatically.
 * All methods throw a {@link UserError} if the queue does not answer.
 */
export interface QueueWatch extends Disposable {
  campaigns(): Promise<WatchedCampaign[]>;
  /** Returns the numbers of the runs that have not been collected. */
  openRuns(campaign: string): Promise<number[]>;
  /** Returns the IDs of running jobs. */
  activeJobs(): Promise<string[]>;
  /** Returns the IDs of the jobs that ended at or after a time, and the latest end; times are in ms since 1970. */
  endedSince(time: number): Promise<{ ids: string[]; last: number }>;
  jobs(campaign: string, runNumbers: readonly number[]): Promise<(JobFacts | undefined)[]>;
  /** Returns the last bytes that a running job has printed, and the size of its whole output. */
  lastOutput(job: string, mostBytes: number): Promise<{ end: Buffer; sizeBytes: number } | undefined>;
  /** Returns those of some jobs that are not too large to be shown. */
  smallJobs(queue: string, ids: readonly string[]): Promise<string[]>;
}

const ANSWER_TIMEOUT_MS = 5000;
const RECONNECT_MS = 500;
const FACT_FIELDS = [FIELD.data, FIELD.startedAt, FIELD.finishedAt, FIELD.progress, FIELD.value];
/** Maximum size of a campaign or of a job's field; a larger one was not written by us and counts as damaged. */
const MOST_BYTES = 1 << 24;
/** The fields that bull-board shows. */
const SHOWN_FIELDS = [FIELD.data, FIELD.options, FIELD.progress, FIELD.value, FIELD.stack, FIELD.failure];
const MOST_SHOWN_BYTES = 1 << 20;

/** Lua script: like `HMGET`, but fields that are too large are returned empty. */
const READ_FIELDS = `
local found = {}
for at = 2, #ARGV do
  found[at - 1] = ''
  if redis.call('HSTRLEN', KEYS[1], ARGV[at]) <= tonumber(ARGV[1]) then
    found[at - 1] = redis.call('HGET', KEYS[1], ARGV[at])
  end
end
return found`;

/** Connects to the queue's Redis in the background. */
export function watchQueue(connection: QueueConnection): QueueWatch {
  const redis = new Redis({
    ...connection,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_TIMEOUT_MS,
    retryStrategy: () => RECONNECT_MS,
  });
  redis.on("error", () => undefined); // the queries fail
  return {
    campaigns: () => answered(() => readCampaigns(redis)),
    openRuns: (id) => answered(async () => runNumbers(await redis.smembers(openRunsKey(id)))),
    activeJobs: () => answered(() => redis.lrange(queueKey(RUN_QUEUE, "active"), 0, -1)),
    endedSince: (time) =>
      answered(async () => {
        const answers = await Promise.all(
          ENDED_SETS.map((set) => redis.zrangebyscore(queueKey(RUN_QUEUE, set), time, "+inf", "WITHSCORES")),
        );
        const flat = answers.flat();
        const scores = flat.filter((_, index) => index % 2 === 1).map(Number);
        return {
          ids: flat.filter((_, index) => index % 2 === 0),
          last: scores.reduce((most, score) => Math.max(most, score), time),
        };
      }),
    jobs: (campaign, numbers) =>
      answered(() =>
        readJobs(
          redis,
          numbers.map((number) => jobKey(RUN_QUEUE, runJobId(campaign, number))),
        ),
      ),
    lastOutput: (job, mostBytes) =>
      answered(async () => {
        const end = await redis.getrangeBuffer(outputKey(job), -mostBytes, -1);
        return end.length === 0 ? undefined : { end, sizeBytes: await redis.strlen(outputKey(job)) };
      }),
    smallJobs: (queue, ids) => answered(() => smallJobs(redis, queue, ids)),
    [Symbol.dispose]: () => redis.disconnect(),
  };
}

/** An entry of the queue does not have the expected type. */
export class DamagedEntry extends UserError {
  override name = "DamagedEntry";
}

async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (errorText(error).startsWith("WRONGTYPE"))
      throw new DamagedEntry("an entry of the queue is damaged", { cause: error });
    throw new UserError("the queue of the swarm is not responding", {
      hint: "this page continues when it responds; check with: swarm-tool status",
      cause: error,
    });
  }
}

/** Returns all campaigns except those whose entries are damaged. */
async function readCampaigns(redis: Redis): Promise<WatchedCampaign[]> {
  const ids = (await redis.zrevrange(CAMPAIGNS_KEY, 0, -1)).filter(isCampaignId);
  const pipeline = redis.pipeline();
  for (const id of ids)
    pipeline
      .getrange(campaignKey(id), 0, MOST_BYTES)
      .exists(cancelKey(id))
      .scard(openRunsKey(id))
      .hlen(supersededKey(id));
  const answers = (await pipeline.exec()) ?? [];
  return ids.flatMap((id, index) => {
    const [text, cancelled, open, superseded] = answers
      .slice(index * 4)
      .map(([error, value]) => (error ? null : value));
    const campaign = typeof text === "string" && text.length <= MOST_BYTES ? campaignIn(id, text) : undefined;
    if (campaign === undefined || typeof open !== "number" || typeof superseded !== "number") return [];
    return [{ campaign, cancelled: cancelled === 1, open, superseded }];
  });
}

function campaignIn(id: string, text: string): Campaign | undefined {
  try {
    return parseCampaign(id, text);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function readJobs(redis: Redis, keys: readonly string[]): Promise<(JobFacts | undefined)[]> {
  const all: (JobFacts | undefined)[] = [];
  for (const chunk of chunks(keys)) {
    const pipeline = redis.pipeline();
    for (const each of chunk) pipeline.eval(READ_FIELDS, 1, each, MOST_BYTES, ...FACT_FIELDS);
    for (const [error, fields] of (await pipeline.exec()) ?? [])
      all.push(error ? undefined : factsOf(fields as (string | null)[]));
  }
  return all;
}

/** Returns those jobs whose fields are not too large: otherwise, who can write to the queue could fill our memory. */
async function smallJobs(redis: Redis, queue: string, ids: readonly string[]): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) for (const field of SHOWN_FIELDS) pipeline.hstrlen(jobKey(queue, id), field);
  const sizes = ((await pipeline.exec()) ?? []).map(([error, size]) => (error ? Infinity : Number(size)));
  const sizeOf = (at: number): number =>
    SHOWN_FIELDS.reduce((sum, _, field) => sum + sizes[at * SHOWN_FIELDS.length + field]!, 0);
  return ids.filter((_, at) => sizeOf(at) <= MOST_SHOWN_BYTES);
}

/** Parses the fields of a job; returns undefined if the job no longer exists. */
function factsOf(fields: readonly (string | null)[]): JobFacts | undefined {
  const [data, startedAt, finishedAt, progress, result] = fields.map((text) => text ?? undefined);
  if (data === undefined) return undefined;
  const job = v.safeParse(RunJobSchema, parseJsonOrUndefined(data));
  return {
    run: job.success ? job.output.run : undefined,
    startedAt: startedAt === undefined ? undefined : Number(startedAt),
    finishedAt: finishedAt === undefined ? undefined : Number(finishedAt),
    progress: parseJsonOrUndefined(progress),
    result: parseJsonOrUndefined(result),
  };
}
