import { Redis } from "ioredis";
import { runJobId, type Campaign } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { FIELD, jobKey, lastEventId } from "./bull-layout.ts";
import {
  listCampaigns,
  openCampaign,
  openNumbers,
  readCampaigns,
  type CampaignListing,
  type FoundCampaign,
  type OnDamaged,
} from "./campaign-list.ts";
import { checkQueue } from "./check.ts";
import type { Jobs } from "./jobs.ts";
import { readOutput } from "./live-output.ts";
import { campaignKey, cancelKey, openRunsKey, RUN_QUEUE, type QueueConnection } from "./names.ts";
import { keepEnd, type CollectedEnd } from "./run-states.ts";
import { describeStoppedWorker, readStoppedWorkers } from "./troubles.ts";

const RETRY_STEP_MS = 50;
const LONGEST_RETRY_MS = 2000;

/** A client's view of the queues. */
export interface QueueClient extends Jobs {
  /** Returns the current position in the stream of events. Call this before `add` in order not to miss an event. */
  position(): Promise<string>;
  /** Returns one line for each worker that has stopped taking jobs. */
  troubles(): Promise<string[]>;
  /** Returns the swarm's campaigns, newest first. @param isWanted selects campaigns before their runs are counted. */
  list(isWanted?: (campaign: Campaign) => boolean, onDamaged?: OnDamaged): Promise<CampaignListing[]>;
  /** Returns the swarm's campaigns, newest first, without counting their runs. */
  campaigns(): Promise<Campaign[]>;
  /** Returns whether there is a campaign with this ID, even if its entry cannot be read. */
  isKnown(id: string): Promise<boolean>;
  /**
   * Returns a campaign with its runs that have not been collected.
   * @throws {UserError} if there is no campaign with this ID.
   */
  find(id: string): Promise<FoundCampaign>;
  /** Returns whether a run has not been collected yet. */
  isOpen(campaign: string, runNumber: number): Promise<boolean>;
  /** Returns the numbers of a campaign's runs that have not been collected yet. */
  openRuns(campaign: string): Promise<number[]>;
  /** Undoes the cancellation of a campaign. */
  revive(campaign: string): Promise<void>;
  /** Returns the value that a run's worker has returned; undefined until the run has ended. */
  result(campaign: string, runNumber: number): Promise<unknown>;
  /** Returns what a running job has printed after an offset in bytes; undefined if nothing is known. */
  output(job: string, offset: number): Promise<Buffer | undefined>;
  /** Notes how a collected run ended, for `list` and `retry`, and removes its job. */
  collected(campaign: string, run: Run, end: CollectedEnd): Promise<void>;
}

/**
 * Connects to the queues of a swarm. Reconnects automatically.
 * @param gone aborted when the swarm has been removed: all commands then fail instead of waiting for a connection.
 * @throws {UserError} if Redis does not answer, rejects the password, or is too old.
 */
export async function openQueueClient(connection: QueueConnection, gone?: AbortSignal): Promise<QueueClient> {
  await checkQueue(connection);
  const redis = connectUntil(gone, connection);
  redis.on("error", () => undefined); // `follow` reports them
  let opened: Promise<Jobs> | undefined;
  const jobs = (): Promise<Jobs> =>
    (opened ??= import("./jobs.ts").then(({ openJobs }) => openJobs(redis, connection, gone)));
  await redis.ping(); // closing a connection that is not yet established would delay the process's end by two seconds
  return {
    build: async (...request) => await (await jobs()).build(...request),
    keepRequest: async (request) => await (await jobs()).keepRequest(request),
    troubles: async () => (await readStoppedWorkers(redis)).map(describeStoppedWorker),
    position: () => lastEventId(redis, RUN_QUEUE),
    follow: async (...wanted) => await (await jobs()).follow(...wanted),
    add: async (campaign, runs, expectedMs) => await (await jobs()).add(campaign, runs, expectedMs),
    reorder: async (campaign, runNumbers) => await (await jobs()).reorder(campaign, runNumbers),
    cancel: async (campaign, runNumbers) => await (await jobs()).cancel(campaign, runNumbers),
    async collected(campaign, run, end) {
      await keepEnd(redis, campaign, run, end);
      await (await jobs()).forget(campaign, run.runNumber);
    },
    forget: async (campaign, runNumber) => await (await jobs()).forget(campaign, runNumber),
    openRuns: (id) => openNumbers(redis, id),
    async revive(campaign) {
      await redis.del(cancelKey(campaign));
    },
    async result(campaign, runNumber) {
      const job = jobKey(RUN_QUEUE, runJobId(campaign, runNumber));
      const [finishedOn, value] = await redis.hmget(job, FIELD.finishedAt, FIELD.value);
      return finishedOn === null ? undefined : (parseJsonOrUndefined(value) ?? null);
    },
    output: (job, offset) => readOutput(redis, job, offset),
    list: (isWanted, onDamaged) => listCampaigns(redis, isWanted, onDamaged),
    campaigns: () => readCampaigns(redis),
    isKnown: async (id) => (await redis.exists(campaignKey(id))) === 1,
    find: (id) => openCampaign(redis, id),
    isOpen: async (id, runNumber) => (await redis.sismember(openRunsKey(id), runNumber)) === 1,
    async [Symbol.asyncDispose]() {
      await (await opened)?.[Symbol.asyncDispose]();
      redis.disconnect();
    },
  };
}

/** Connects until the signal is aborted. Pending commands then fail, at the latest when the next attempt to connect fails. */
function connectUntil(gone: AbortSignal | undefined, connection: QueueConnection): Redis {
  const retryStrategy = (attempt: number): number | null =>
    gone?.aborted ? null : Math.min(attempt * RETRY_STEP_MS, LONGEST_RETRY_MS);
  const redis = new Redis({ ...connection, retryStrategy });
  const end = (): void => {
    // While reconnecting, this would cancel the next attempt, and pending commands would never fail.
    if (redis.status !== "reconnecting") redis.disconnect();
  };
  gone?.addEventListener("abort", end, { once: true });
  return redis;
}
