import { Redis } from "ioredis";
import * as v from "valibot";
import { UserError } from "../errors.ts";
import { RunJobSchema, runJobId, type Campaign } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import type { Run } from "../model/run.ts";
import { jsonIn } from "../system/json.ts";
import { chunks } from "./campaign-list.ts";
import { parseCampaign, runNumbers } from "./entries.ts";
import { readOutput } from "./live-output.ts";
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
  /** What a running job has printed after an offset. */
  output(job: string, offset: number): Promise<Buffer | undefined>;
}

const ANSWER_TIMEOUT_MS = 5000;
const RECONNECT_MS = 500;
const FIELDS = ["data", "processedOn", "finishedOn", "progress", "returnvalue"] as const;

export function watchQueue(connection: QueueConnection): QueueWatch {
  const redis = new Redis({
    ...connection,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_TIMEOUT_MS,
    retryStrategy: () => RECONNECT_MS,
  });
  redis.on("error", () => undefined); // whoever asks is told
  const key = (name: string): string => `bull:${RUN_QUEUE}:${name}`;
  return {
    campaigns: () => answered(() => readCampaigns(redis)),
    openRuns: (id) => answered(async () => runNumbers(await redis.smembers(openRunsKey(id)))),
    activeJobs: () => answered(() => redis.lrange(key("active"), 0, -1)),
    endedSince: (time) =>
      answered(async () => {
        const answers = await Promise.all(
          ["completed", "failed"].map((set) => redis.zrangebyscore(key(set), time, "+inf", "WITHSCORES")),
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
          numbers.map((number) => key(runJobId(campaign, number))),
        ),
      ),
    output: (job, offset) => answered(() => readOutput(redis, job, offset)),
    [Symbol.dispose]: () => redis.disconnect(),
  };
}

async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new UserError("the queue of the swarm does not answer", {
      hint: "this page goes on when it does; see: swarm-tool status",
      cause: error,
    });
  }
}

/** One whose entry is damaged is left out: the others are shown all the same. */
async function readCampaigns(redis: Redis): Promise<WatchedCampaign[]> {
  const ids = (await redis.zrevrange(CAMPAIGNS_KEY, 0, -1)).filter(isCampaignId);
  const pipeline = redis.pipeline();
  for (const id of ids)
    pipeline.get(campaignKey(id)).exists(cancelKey(id)).scard(openRunsKey(id)).hlen(supersededKey(id));
  const answers = (await pipeline.exec()) ?? [];
  return ids.flatMap((id, index) => {
    const [text, cancelled, open, superseded] = answers
      .slice(index * 4)
      .map(([error, value]) => (error ? null : value));
    const campaign = typeof text === "string" ? campaignIn(id, text) : undefined;
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
    for (const each of chunk) pipeline.hmget(each, ...FIELDS);
    for (const [error, fields] of (await pipeline.exec()) ?? [])
      all.push(error ? undefined : factsOf(fields as (string | null)[]));
  }
  return all;
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
