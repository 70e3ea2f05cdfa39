import { Redis } from "ioredis";
import type { Campaign } from "../model/campaign.ts";
import { parseCampaign } from "./entries.ts";
import {
  CAMPAIGN_TTL_SECONDS,
  CAMPAIGNS_KEY,
  CANCEL_CHANNEL,
  campaignKey,
  cancelKey,
  type QueueConnection,
} from "./names.ts";

/** Stores a campaign: the data that all its runs share. */
export async function saveCampaign(redis: Redis, campaign: Campaign): Promise<void> {
  await redis.set(campaignKey(campaign.id), JSON.stringify(campaign), "EX", CAMPAIGN_TTL_SECONDS);
  await redis.zadd(CAMPAIGNS_KEY, campaign.createdAt, campaign.id);
}

/** Marks a campaign as cancelled, and notifies the runners that are executing its runs. */
export async function announceCancellation(redis: Redis, campaign: string): Promise<void> {
  await redis.set(cancelKey(campaign), "1", "EX", CAMPAIGN_TTL_SECONDS);
  await redis.publish(CANCEL_CHANNEL, campaign);
}

/** A runner's view of campaigns. Cancelling is our own: BullMQ cancels a job only in the process that executes it. */
export interface CampaignState extends AsyncDisposable {
  /** Returns a campaign. @throws {UserError} if it does not exist or is of another version. */
  find(id: string): Promise<Campaign>;
  isCancelled(id: string): Promise<boolean>;
  /** Cancels a campaign: its queued runs will end as cancelled. */
  cancel(id: string): Promise<void>;
  /** Returns a signal that is aborted if the campaign is cancelled from now on. */
  watch(id: string): { signal: AbortSignal } & Disposable;
}

const CACHED_CAMPAIGNS = 100;

/** Connects to the queue's Redis and subscribes to cancellations. */
export async function openCampaignState(
  connection: QueueConnection,
  onError: (error: Error) => void,
): Promise<CampaignState> {
  const redis = new Redis(connection);
  const subscriber = new Redis(connection);
  const watched = new Map<AbortController, string>();
  redis.on("error", onError);
  subscriber.on("error", onError);
  subscriber.on("message", (_channel, id) => {
    for (const [controller, campaign] of watched) if (campaign === id) controller.abort();
  });
  await subscriber.subscribe(CANCEL_CHANNEL);
  return {
    find: cachedCampaigns(redis),
    cancel: (id) => announceCancellation(redis, id),
    async isCancelled(id) {
      // A long campaign must not expire while it runs.
      void redis.expire(campaignKey(id), CAMPAIGN_TTL_SECONDS).catch(onError);
      return (await redis.exists(cancelKey(id))) === 1;
    },
    watch(id) {
      const controller = new AbortController();
      watched.set(controller, id);
      return { signal: controller.signal, [Symbol.dispose]: () => void watched.delete(controller) };
    },
    [Symbol.asyncDispose]() {
      redis.disconnect();
      subscriber.disconnect();
      return Promise.resolve();
    },
  };
}

function cachedCampaigns(redis: Redis): (id: string) => Promise<Campaign> {
  const cache = new Map<string, Campaign>();
  return async (id) => {
    const cached = cache.get(id);
    if (cached) return cached;
    const text = await redis.get(campaignKey(id));
    const campaign = parseCampaign(id, text);
    if (cache.size >= CACHED_CAMPAIGNS) cache.clear();
    cache.set(id, campaign);
    return campaign;
  };
}
