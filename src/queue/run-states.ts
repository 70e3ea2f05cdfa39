import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { runJobId, type RunJob } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import { OUTCOME_STATES, type OutcomeState } from "../model/outcome.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { FIELD, jobKey, WAITING_STATES } from "./bull-layout.ts";
import { runNumbers } from "./entries.ts";
import { campaignKey, openRunsKey, statesKey, supersededKey, unstartedKey } from "./names.ts";

// What stays known of a campaign's runs after their jobs have left the queue: how many failed, which never started
// and which a later campaign has replaced.

/** How a run ended that has been collected. */
export interface CollectedEnd {
  state: OutcomeState;
  /** False for a run that was cancelled before it started: it has no record. */
  started: boolean;
  /** The campaign whose record of this run was replaced. */
  supersedes?: string | undefined;
}

/** Keeps how a run ended. Doing it twice changes nothing. */
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

/** Runs that are queued again are neither cancelled nor failed. */
export async function forgetEnds(redis: Redis, campaign: string, numbers: readonly number[]): Promise<void> {
  const fields = numbers.map(String);
  await redis
    .multi()
    .hdel(statesKey(campaign), ...fields)
    .hdel(unstartedKey(campaign), ...fields)
    .exec();
}

/** How many runs of a campaign are waiting, running, or have ended; those without a job do not count. */
export async function jobCounts(
  redis: Redis,
  queue: Queue,
  campaign: string,
  numbers: readonly number[],
): Promise<{ waiting: number; running: number; ended: number }> {
  const counts = { waiting: 0, running: 0, ended: 0 };
  const pipeline = redis.pipeline();
  for (const number of numbers)
    pipeline.hmget(
      jobKey(queue.name, runJobId(campaign, number)),
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
 * Takes a run that waits out of the queue; it can be retried afterwards.
 * The campaign is marked as cancelled before, so a job that a worker takes between the calls ends as cancelled and has
 * no result to lose.
 * @returns whether it was waiting.
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
  // before it is removed: a client that is killed in between must not lose it
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

/** How a campaign's collected runs ended. */
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

/** How many of a campaign's runs each later campaign has replaced. */
export async function supersededBy(redis: Redis, campaign: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const id of (await redis.hvals(supersededKey(campaign))).filter(isCampaignId))
    counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

/** The runs that were cancelled before they started, in run order. */
export async function unstartedRuns(
  redis: Redis,
  campaign: string,
  parse: (runNumber: number, data: string) => Run | undefined,
): Promise<Run[]> {
  const kept = await redis.hgetall(unstartedKey(campaign));
  return runNumbers(Object.keys(kept)).flatMap((number) => parse(number, kept[number]!) ?? []);
}
