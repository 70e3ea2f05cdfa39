import type { ChainableCommander, Redis } from "ioredis";
import * as v from "valibot";
import { RunJobSchema, runJobId, type RunJob } from "../model/campaign.ts";
import { OUTCOME_STATES, type OutcomeState } from "../model/outcome.ts";
import type { Run } from "../model/run.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { answersOf, chunks } from "./pipelines.ts";
import { FIELD, jobKey } from "./bull-layout.ts";
import { runNumbers } from "./entries.ts";
import { RUN_QUEUE, statesKey, unstartedKey } from "./names.ts";
import { parseWorkerName } from "./worker-name.ts";

// What the dashboard reads about single runs. Anybody who can write to the queue can write anything of any size.

/** How a run ended that has left the queue. */
export interface KeptEnd {
  state: OutcomeState;
  /** The run, if it was cancelled before it started. */
  run: Run | undefined;
}

/** The stored data of a job that has not been collected. */
export interface JobFacts {
  /** Undefined if the job is damaged, or belongs to another run. */
  run: Run | undefined;
  /** Wall time that was predicted from earlier campaigns, in ms. */
  expectedMs?: number | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** The machine of the worker that has taken the job; undefined if it is unknown. */
  worker?: string | undefined;
  /** As sent by the worker, not yet checked; so is `result`. */
  progress: unknown;
  result: unknown;
}

/** Maximum size of a campaign or of a job's field; a larger one was not written by us and counts as damaged. */
export const MOST_BYTES = 1 << 24;
const FACT_FIELDS = [
  FIELD.data,
  FIELD.startedAt,
  FIELD.finishedAt,
  FIELD.progress,
  FIELD.value,
  FIELD.worker,
];
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

/** Adds a command to a pipeline that reads some fields of a job; those that are too large are empty. */
export function readFields(pipeline: ChainableCommander, key: string, fields: readonly string[]): void {
  pipeline.eval(READ_FIELDS, 1, key, MOST_BYTES, ...fields);
}

/** Returns the jobs of some runs; undefined for a run without a job. */
export async function readJobs(
  redis: Redis,
  campaign: string,
  numbers: readonly number[],
): Promise<(JobFacts | undefined)[]> {
  const all: (JobFacts | undefined)[] = [];
  for (const chunk of chunks(numbers)) {
    const pipeline = redis.pipeline();
    for (const number of chunk)
      readFields(pipeline, jobKey(RUN_QUEUE, runJobId(campaign, number)), FACT_FIELDS);
    const answers = await answersOf(pipeline);
    chunk.forEach((number, at) =>
      all.push(factsOf(campaign, number, answers[at] as (string | null)[] | undefined)),
    );
  }
  return all;
}

/** Returns how runs ended that have left the queue and are not done. @param numbers all of the campaign by default. */
export async function readKeptEnds(
  redis: Redis,
  campaign: string,
  numbers?: readonly number[],
): Promise<Map<number, KeptEnd>> {
  const ends = new Map<number, KeptEnd>();
  const wanted = numbers ?? runNumbers(await redis.hkeys(statesKey(campaign)));
  for (const chunk of chunks(wanted)) {
    const fields = chunk.map(String);
    const [states, unstarted] = await Promise.all(
      [statesKey, unstartedKey].map((keyOf) => redis.hmget(keyOf(campaign), ...fields)),
    );
    chunk.forEach((number, at) => {
      const state = states?.[at];
      if (state == null) return;
      const run = ownJob(campaign, number, unstarted?.[at])?.run;
      ends.set(number, { state: OUTCOME_STATES.find((each) => each === state) ?? "lost", run });
    });
  }
  return ends;
}

/** Returns those jobs whose fields are not too large: otherwise, who can write to the queue could fill our memory. */
export async function smallJobs(redis: Redis, queue: string, ids: readonly string[]): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) for (const field of SHOWN_FIELDS) pipeline.hstrlen(jobKey(queue, id), field);
  const sizes = ((await pipeline.exec()) ?? []).map(([error, size]) => (error ? Infinity : Number(size)));
  const sizeOf = (at: number): number =>
    SHOWN_FIELDS.reduce((sum, _, field) => sum + sizes[at * SHOWN_FIELDS.length + field]!, 0);
  return ids.filter((_, at) => sizeOf(at) <= MOST_SHOWN_BYTES);
}

const DAMAGED = {
  run: undefined,
  startedAt: undefined,
  finishedAt: undefined,
  progress: undefined,
  result: undefined,
} as const satisfies JobFacts;

/**
 * Parses the fields of a job; returns undefined if the job no longer exists.
 * @param fields undefined if the entry is no job.
 */
function factsOf(
  campaign: string,
  runNumber: number,
  fields: readonly (string | null)[] | undefined,
): JobFacts | undefined {
  if (fields === undefined) return DAMAGED;
  const [data, startedAt, finishedAt, progress, result, worker] = fields.map((text) => text ?? undefined);
  if (data === undefined) return undefined;
  const job = ownJob(campaign, runNumber, data);
  return {
    run: job?.run,
    expectedMs: job?.expectedMs,
    startedAt: startedAt === undefined ? undefined : Number(startedAt),
    finishedAt: finishedAt === undefined ? undefined : Number(finishedAt),
    worker: worker === undefined ? undefined : parseWorkerName(worker)?.host,
    progress: parseJsonOrUndefined(progress),
    result: parseJsonOrUndefined(result),
  };
}

/** Returns the data of a job; undefined if they are damaged, or belong to another run. */
function ownJob(campaign: string, runNumber: number, data: string | null | undefined): RunJob | undefined {
  const job = v.safeParse(RunJobSchema, parseJsonOrUndefined(data));
  const isOwn = job.success && job.output.campaign === campaign && job.output.run.runNumber === runNumber;
  return isOwn ? job.output : undefined;
}
