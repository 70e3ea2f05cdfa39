import type { Redis } from "ioredis";
import { errorText, UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import type { OutcomeState } from "../model/outcome.ts";
import type { Run } from "../model/run.ts";
import { chunks } from "./pipelines.ts";
import { FIELD, jobKey } from "./bull-layout.ts";
import {
  checkCampaignId,
  isOfAnotherVersion,
  noCampaign,
  parseCampaign,
  parseRunJob,
  runNumbers,
} from "./entries.ts";
import { CAMPAIGNS_KEY, campaignKey, cancelKey, openRunsKey, RUN_QUEUE } from "./names.ts";
import { jobCounts, statesOf, supersededBy, unstartedRuns } from "./run-states.ts";

/** Describes a campaign for `runall-swarm list`. */
export interface CampaignListing {
  campaign: Campaign;
  cancelled: boolean;
  /** Number of queued runs. */
  waiting: number;
  running: number;
  /** Number of runs that have ended and are not yet collected. */
  ended: number;
  collected: number;
  /** Number of runs that have been collected or cancelled, by how they ended. */
  states: Partial<Record<OutcomeState, number>>;
  /** Number of runs whose results a later campaign has replaced, by the ID of that campaign. */
  superseded: Record<string, number>;
}

/** A campaign with the runs that can still be collected or retried. */
export interface FoundCampaign {
  campaign: Campaign;
  cancelled: boolean;
  /** Its runs that have not been collected. */
  open: Run[];
  /** The numbers of those that are running, and of those that have ended; the others wait. */
  running: Set<number>;
  ended: Set<number>;
  /** Its runs that were cancelled before they started. */
  unstarted: Run[];
  /** For each run whose entry in the queue cannot be read: the reason. */
  damaged: string[];
}

/** Called with the reason if a campaign's entry in the queue cannot be read. */
export type OnDamaged = (reason: string) => void;

/** Returns the swarm's campaigns that have not expired, newest first. @param isWanted selects campaigns (default: all). */
export async function listCampaigns(
  redis: Redis,
  isWanted: (campaign: Campaign) => boolean = () => true,
  onDamaged: OnDamaged = () => undefined,
): Promise<CampaignListing[]> {
  const ids = (await redis.zrevrange(CAMPAIGNS_KEY, 0, -1)).filter(isCampaignId);
  const listings = await Promise.all(
    ids.map(async (id) => {
      try {
        const campaign = await knownCampaign(redis, id);
        return campaign !== undefined && isWanted(campaign) ? await describe(redis, campaign) : [];
      } catch (error) {
        if (!isDamage(error)) throw error;
        onDamaged(error instanceof UserError ? error.message : `campaign ${id}: ${errorText(error)}`);
        return [];
      }
    }),
  );
  return listings.flat();
}

/** Returns the swarm's campaigns that have not expired, newest first, without those whose entries are damaged. */
export async function readCampaigns(redis: Redis): Promise<Campaign[]> {
  const ids = (await redis.zrevrange(CAMPAIGNS_KEY, 0, -1)).filter(isCampaignId);
  const found = await Promise.all(
    ids.map(async (id) => {
      try {
        return await knownCampaign(redis, id);
      } catch (error) {
        if (!isDamage(error)) throw error;
        return undefined;
      }
    }),
  );
  return found.filter((campaign) => campaign !== undefined);
}

/** Returns whether an error is caused by a damaged entry, which may even have the wrong Redis type. */
function isDamage(error: unknown): boolean {
  return error instanceof UserError || errorText(error).startsWith("WRONGTYPE");
}

/**
 * Returns a campaign; undefined if it has expired, or was queued by another version of inet-swarm, which can read it.
 * @throws {UserError} if its entry is damaged.
 */
async function knownCampaign(redis: Redis, id: string): Promise<Campaign | undefined> {
  const text = await redis.get(campaignKey(id));
  return text === null || isOfAnotherVersion(text) ? undefined : parseCampaign(id, text);
}

async function describe(redis: Redis, campaign: Campaign): Promise<CampaignListing> {
  const { id } = campaign;
  const [cancelled, numbers] = await Promise.all([redis.exists(cancelKey(id)), openNumbers(redis, id)]);
  const counts = { waiting: 0, running: 0, ended: 0 };
  for (const chunk of chunks(numbers)) {
    const some = await jobCounts(redis, id, chunk);
    for (const name of ["waiting", "running", "ended"] as const) counts[name] += some[name];
  }
  const collected = campaign.runs - numbers.length;
  const [states, superseded] = await Promise.all([statesOf(redis, id, collected), supersededBy(redis, id)]);
  return { campaign, cancelled: cancelled === 1, ...counts, collected, states, superseded };
}

/**
 * Returns a campaign and its runs that have not been collected.
 * @throws {UserError} if there is no campaign with this ID.
 */
export async function openCampaign(redis: Redis, id: string): Promise<FoundCampaign> {
  checkCampaignId(id);
  const [text, cancelled] = await Promise.all([redis.get(campaignKey(id)), redis.exists(cancelKey(id))]);
  if (text === null) throw noCampaign(id);
  const campaign = parseCampaign(id, text);
  const damaged: string[] = [];
  const open: Run[] = [];
  const [running, ended] = [new Set<number>(), new Set<number>()];
  const parse = (number: number, data: string): Run | undefined => {
    try {
      return parseRunJob(campaign, number, data);
    } catch (error) {
      damaged.push(errorText(error)); // the other runs can still be collected
      return undefined;
    }
  };
  for (const chunk of chunks(await openNumbers(redis, id))) {
    const pipeline = redis.pipeline();
    const fields = [FIELD.data, FIELD.startedAt, FIELD.finishedAt];
    for (const number of chunk) pipeline.hmget(jobKey(RUN_QUEUE, runJobId(id, number)), ...fields);
    const answers = (await pipeline.exec()) ?? [];
    chunk.forEach((number, at) => {
      const [data, startedAt, finishedAt] = (answers[at]?.[1] ?? []) as (string | null)[];
      const run = typeof data === "string" ? parse(number, data) : undefined;
      if (run === undefined) return;
      open.push(run);
      if (finishedAt != null) ended.add(number);
      else if (startedAt != null) running.add(number);
    });
  }
  const unstarted = await unstartedRuns(redis, id, parse);
  return { campaign, cancelled: cancelled === 1, open, running, ended, unstarted, damaged };
}

export async function openNumbers(redis: Redis, id: string): Promise<number[]> {
  return runNumbers(await redis.smembers(openRunsKey(id)));
}
