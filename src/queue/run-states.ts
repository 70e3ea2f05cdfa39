import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { runJobId, type RunJob } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import { OUTCOME_STATES, type OutcomeState } from "../model/outcome.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { FIELD, jobKey, WAITING_STATES } from "./bull-layout.ts";
import { runNumbers } from "./entries.ts";
import { campaignKey, openRunsKey, RUN_QUEUE, statesKey, supersededKey, unstartedKey } from "./names.ts";

// What is kept about a campaign's runs after their jobs have left the queue: how many failed, which never started, and
// which have been replaced by a later campaign.

/** How a collected run ended. */
export interface CollectedEnd {
  state: OutcomeState;
  /** False for a run that was cancelled before it started, which has no record. */
  started: boolean;
  /** ID of the campaign whose record of this run was replaced. */
  supersedes?: string | undefined;
}

/** Stores how a run ended. May be repeated. */
export async function keepEnd(
  redis: Redis,
  campaign: string,
  run: Run,
  { state, started, supersedes }: CollectedEnd,
): Promise<void> {
  const { runNumber } = run;
  const changes = redis.multi();
  if (state === "done") changes.hdel(statesKey(campaign), String(runNumber));
  else changes.hset(statesKey(campaign), runNumber, state);
  if (started)
    changes.hdel(unstartedKey(campaign), String(runNumber)).hdel(supersededKey(campaign), String(runNumber));
  else changes.hset(unstartedKey(campaign), runNumber, jobText(campaign, run));
  if (
    supersedes !== undefined &&
    isCampaignId(supersedes) &&
    (await redis.exists(campaignKey(supersedes))) === 1
  )
    changes.hset(supersededKey(supersedes), runNumber, campaign);
  await changes.exec();
}

function jobText(campaign: string, run: Run): string {
  return JSON.stringify({ protocol: PROTOCOL, campaign, run } satisfies RunJob);
}

/** Removes the stored ends of runs that are queued again. */
export async function forgetEnds(redis: Redis, campaign: string, numbers: readonly number[]): Promise<void> {
  const fields = numbers.map(String);
  await redis
    .multi()
    .hdel(statesKey(campaign), ...fields)
    .hdel(unstartedKey(campaign), ...fields)
    .exec();
}

/** Returns how many of some runs are queued, are running, or have ended; those without a job are not counted. */
export async function jobCounts(
  redis: Redis,
  campaign: string,
  numbers: readonly number[],
): Promise<{ waiting: number; running: number; ended: number }> {
  const counts = { waiting: 0, running: 0, ended: 0 };
  const pipeline = redis.pipeline();
  for (const number of numbers)
    pipeline.hmget(
      jobKey(RUN_QUEUE, runJobId(campaign, number)),
      FIELD.startedAt,
      FIELD.finishedAt,
      FIELD.name,
    );
  for (const [, fields] of (await pipeline.exec()) ?? []) {
    const [processedOn, finishedOn, name] = (fields as (string | null)[] | undefined) ?? [];
    if (name == null) continue;
    counts[finishedOn != null ? "ended" : processedOn != null ? "running" : "waiting"]++;
  }
  return counts;
}

/**
 * Removes a waiting run from the queue so that it can be retried later.
 * The campaign must have been marked as cancelled before: if a worker takes the job in the meantime, the job ends as
 * cancelled, and no result is lost.
 * @returns whether the run was waiting.
 */
export async function removeWaiting(
  redis: Redis,
  queue: Queue,
  campaign: string,
  runNumber: number,
): Promise<boolean> {
  const id = runJobId(campaign, runNumber);
  const state = await queue.getJobState(id);
  if (!WAITING_STATES.some((each) => each === state)) return false;
  const data = await redis.hget(jobKey(queue.name, id), FIELD.data);
  // stored before the job is removed, so that a client that is killed in between does not lose the run
  if (data !== null) await redis.hset(unstartedKey(campaign), runNumber, data);
  if ((await queue.remove(id)) !== 1) {
    await redis.hdel(unstartedKey(campaign), String(runNumber));
    return false;
  }
  await redis
    .multi()
    .hset(statesKey(campaign), runNumber, "cancelled" satisfies OutcomeState)
    .srem(openRunsKey(campaign), runNumber)
    .exec();
  return true;
}

/** Returns the number of a campaign's collected runs by how they ended. @param collected number of all collected runs. */
export async function statesOf(
  redis: Redis,
  campaign: string,
  collected: number,
): Promise<Partial<Record<OutcomeState, number>>> {
  const states: Partial<Record<OutcomeState, number>> = {};
  const others = await redis.hvals(statesKey(campaign));
  if (collected > others.length) states.done = collected - others.length;
  for (const text of others) {
    const state = OUTCOME_STATES.find((each) => each === text) ?? "lost";
    states[state] = (states[state] ?? 0) + 1;
  }
  return states;
}

/** Returns how many of a campaign's runs have been replaced, by the ID of the later campaign. */
export async function supersededBy(redis: Redis, campaign: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const id of (await redis.hvals(supersededKey(campaign))).filter(isCampaignId))
    counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

/** Returns the runs that were cancelled before they started, by ascending run number. */
export async function unstartedRuns(
  redis: Redis,
  campaign: string,
  parse: (runNumber: number, data: string) => Run | undefined,
): Promise<Run[]> {
  const kept = await redis.hgetall(unstartedKey(campaign));
  return runNumbers(Object.keys(kept)).flatMap((number) => parse(number, kept[number]!) ?? []);
}
