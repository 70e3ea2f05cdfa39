import { Redis } from "ioredis";
import * as v from "valibot";
import { errorText, UserError } from "../errors.ts";
import { RunJobSchema, runJobId, type Campaign } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import type { Run } from "../model/run.ts";
import { jsonIn } from "../system/json.ts";
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

export interface WatchedCampaign {
  campaign: Campaign;
  cancelled: boolean;
  /** Runs that have not been collected. */
  open: number;
  /** Runs that a later campaign has replaced. */
  superseded: number;
}

/** What Redis tells of a job that has not been collected. */
export interface JobFacts {
  run: Run | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** As the worker sent them: to be parsed by whoever uses them. */
  progress: unknown;
  result: unknown;
}

/**
 * The queue of runs as an onlooker sees it, who only reads and asks for what has changed. Every question has
 * a limit and fails at once where Redis is not there; the connection comes back by itself.
 */
export interface QueueWatch extends Disposable {
  /** @throws {UserError} where the queue does not answer; as do all the others. */
  campaigns(): Promise<WatchedCampaign[]>;
  /** Numbers of the runs that have not been collected. */
  openRuns(campaign: string): Promise<number[]>;
  /** Ids of the jobs that are being made. */
  activeJobs(): Promise<string[]>;
  /** Ids of the jobs that ended at or after a time, in ms since 1970, with the time of the last one. */
  endedSince(time: number): Promise<{ ids: string[]; last: number }>;
  jobs(campaign: string, runNumbers: readonly number[]): Promise<(JobFacts | undefined)[]>;
  /** The end of what a running job has printed, and the size of all of it. */
  lastOutput(job: string, mostBytes: number): Promise<{ end: Buffer; sizeBytes: number } | undefined>;
  /** Those jobs of a queue that are not too large to be shown. */
  smallJobs(queue: string, ids: readonly string[]): Promise<string[]>;
}

const ANSWER_TIMEOUT_MS = 5000;
const RECONNECT_MS = 500;
const FACT_FIELDS = [FIELD.data, FIELD.startedAt, FIELD.finishedAt, FIELD.progress, FIELD.value];
/** Of a campaign, or of a field of a job; larger ones are not ours, and count as damaged. */
const MOST_BYTES = 1 << 24;
/** What bull-board shows of a job. */
const SHOWN_FIELDS = [FIELD.data, FIELD.options, FIELD.progress, FIELD.value, FIELD.stack, FIELD.failure];
const MOST_SHOWN_BYTES = 1 << 20;

/** `HMGET` of those fields that are not too large: the others are empty. */
const READ_FIELDS = `
local found = {}
for at = 2, #ARGV do
  found[at - 1] = ''
  if redis.call('HSTRLEN', KEYS[1], ARGV[at]) <= tonumber(ARGV[1]) then
    found[at - 1] = redis.call('HGET', KEYS[1], ARGV[at])
  end
end
return found`;

export function watchQueue(connection: QueueConnection): QueueWatch {
  const redis = new Redis({
    ...connection,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_TIMEOUT_MS,
    retryStrategy: () => RECONNECT_MS,
  });
  redis.on("error", () => undefined); // whoever asks is told
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

/** An entry of the queue is not of the type that it should have. */
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

/** One whose entry is damaged is left out: the others are shown all the same. */
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

/** Whoever writes to the queue can write what would fill the memory: a job is shown up to a size. */
async function smallJobs(redis: Redis, queue: string, ids: readonly string[]): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) for (const field of SHOWN_FIELDS) pipeline.hstrlen(jobKey(queue, id), field);
  const sizes = ((await pipeline.exec()) ?? []).map(([error, size]) => (error ? Infinity : Number(size)));
  const sizeOf = (at: number): number =>
    SHOWN_FIELDS.reduce((sum, _, field) => sum + sizes[at * SHOWN_FIELDS.length + field]!, 0);
  return ids.filter((_, at) => sizeOf(at) <= MOST_SHOWN_BYTES);
}

/** Undefined where the job is not there any more. */
function factsOf(fields: readonly (string | null)[]): JobFacts | undefined {
  const [data, startedAt, finishedAt, progress, result] = fields.map((text) => text ?? undefined);
  if (data === undefined) return undefined;
  const job = v.safeParse(RunJobSchema, jsonIn(data));
  return {
    run: job.success ? job.output.run : undefined,
    startedAt: startedAt === undefined ? undefined : Number(startedAt),
    finishedAt: finishedAt === undefined ? undefined : Number(finishedAt),
    progress: jsonIn(progress),
    result: jsonIn(result),
  };
}
