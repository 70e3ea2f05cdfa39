import { Queue } from "bullmq";
import { Redis } from "ioredis";
import * as v from "valibot";
import { UserError } from "../errors.ts";
import { CampaignSchema, RunJobSchema, runJobId, type Campaign } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { parseOrExplain } from "../system/json.ts";
import {
  CAMPAIGNS_KEY,
  campaignKey,
  cancelKey,
  openRunsKey,
  RUN_QUEUE,
  type QueueConnection,
} from "./names.ts";

/** A campaign as `list` shows it. */
export interface CampaignListing {
  campaign: Campaign;
  cancelled: boolean;
  /** Runs by what is happening to them. */
  waiting: number;
  running: number;
  /** Ended, and not yet collected. */
  ended: number;
  collected: number;
}

export interface FoundCampaign {
  campaign: Campaign;
  cancelled: boolean;
  /** Its runs that have not been collected. */
  open: Run[];
}

const CHUNK = 1000;

/** The campaigns of the swarm that are still known, the newest first: all, or those that are wanted. */
export async function listCampaigns(
  redis: Redis,
  queue: Queue,
  isWanted: (campaign: Campaign) => boolean = () => true,
): Promise<CampaignListing[]> {
  const ids = await redis.zrevrange(CAMPAIGNS_KEY, 0, -1);
  const known = await Promise.all(ids.map((id) => knownCampaign(redis, id)));
  const wanted = known.filter((campaign) => campaign !== undefined).filter(isWanted);
  return await Promise.all(wanted.map((campaign) => describe(redis, queue, campaign)));
}

/** Removes what is left in the queue of campaigns that nobody has collected in time. */
export async function forgetExpired(connection: QueueConnection): Promise<void> {
  // where Redis is away it does not wait: it is asked again some time
  const redis = new Redis({ ...connection, maxRetriesPerRequest: 0, retryStrategy: () => null });
  const queue = new Queue(RUN_QUEUE, { connection: redis });
  for (const emitter of [queue, redis]) emitter.on("error", () => undefined); // whoever asks is told
  try {
    for (const id of await redis.zrange(CAMPAIGNS_KEY, 0, -1)) {
      if ((await redis.exists(campaignKey(id))) === 1) continue;
      for (const chunk of chunks(await openNumbers(redis, id)))
        await Promise.all(chunk.map((number) => queue.remove(runJobId(id, number))));
      await redis.del(openRunsKey(id));
      await redis.zrem(CAMPAIGNS_KEY, id);
    }
  } finally {
    await queue.close();
    redis.disconnect();
  }
}

/** Undefined where it has expired, or is of another version, which still knows it. */
async function knownCampaign(redis: Redis, id: string): Promise<Campaign | undefined> {
  const parsed = v.safeParse(CampaignSchema, JSON.parse((await redis.get(campaignKey(id))) ?? "null"));
  return parsed.success ? parsed.output : undefined;
}

async function describe(redis: Redis, queue: Queue, campaign: Campaign): Promise<CampaignListing> {
  const { id } = campaign;
  const [cancelled, numbers] = await Promise.all([redis.exists(cancelKey(id)), openNumbers(redis, id)]);
  const counts = { waiting: 0, running: 0, ended: 0 };
  for (const chunk of chunks(numbers)) {
    const pipeline = redis.pipeline();
    for (const number of chunk)
      pipeline.hmget(queue.toKey(runJobId(id, number)), "processedOn", "finishedOn", "name");
    for (const [, fields] of (await pipeline.exec()) ?? []) {
      const [processedOn, finishedOn, name] = fields as (string | null)[];
      if (name === null) continue;
      counts[finishedOn !== null ? "ended" : processedOn !== null ? "running" : "waiting"]++;
    }
  }
  return { campaign, cancelled: cancelled === 1, ...counts, collected: campaign.runs - numbers.length };
}

/**
 * A campaign and its runs that have not been collected.
 * @throws {UserError} where there is none of this id.
 */
export async function openCampaign(redis: Redis, queue: Queue, id: string): Promise<FoundCampaign> {
  const [text, cancelled] = await Promise.all([redis.get(campaignKey(id)), redis.exists(cancelKey(id))]);
  if (text === null) throw new UserError(`there is no campaign ${id}`, { hint: "see: runall-swarm list" });
  const campaign = parseOrExplain(CampaignSchema, JSON.parse(text), `campaign ${id}`);
  const open: Run[] = [];
  for (const chunk of chunks(await openNumbers(redis, id))) {
    const pipeline = redis.pipeline();
    for (const number of chunk) pipeline.hget(queue.toKey(runJobId(id, number)), "data");
    for (const [, data] of (await pipeline.exec()) ?? []) {
      if (typeof data === "string")
        open.push(parseOrExplain(RunJobSchema, JSON.parse(data), "queued run").run);
    }
  }
  return { campaign, cancelled: cancelled === 1, open };
}

async function openNumbers(redis: Redis, id: string): Promise<number[]> {
  return (await redis.smembers(openRunsKey(id))).map(Number).sort((a, b) => a - b);
}

export function* chunks<T>(all: readonly T[], size = CHUNK): Generator<T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}
