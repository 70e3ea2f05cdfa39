import { Redis } from "ioredis";
import { UserError } from "../errors.ts";
import type { Campaign } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import { answersOf, isWrongType } from "./pipelines.ts";
import { ENDED_SETS, queueKey } from "./bull-layout.ts";
import { isOfAnotherVersion, parseCampaign, runNumbers } from "./entries.ts";
import { outputKey } from "./live-output.ts";
import {
  CAMPAIGNS_KEY,
  campaignKey,
  cancelKey,
  openRunsKey,
  RUN_QUEUE,
  statesKey,
  supersededKey,
  type QueueConnection,
} from "./names.ts";
import {
  MOST_BYTES,
  readJobs,
  readKeptEnds,
  smallJobs,
  type JobFacts,
  type KeptEnd,
} from "./watched-jobs.ts";
import { readSwarm, type WatchedSwarm } from "./watched-swarm.ts";

/** A campaign with the numbers that the dashboard shows. */
export interface WatchedCampaign {
  campaign: Campaign;
  cancelled: boolean;
  /** Runs that have not been collected. */
  open: number;
  /** Runs that a later campaign has replaced. */
  superseded: number;
  /** Runs of which the queue keeps how they ended: those that have left the queue and are not done. */
  kept: number;
}

/**
 * A read-only view of the queue of runs, for the dashboard. Each query has a time limit, and fails immediately if Redis
 * is not available. Reconnects automatically.
 * All methods throw a {@link UserError} if the queue does not answer.
 */
export interface QueueWatch extends Disposable {
  /** Returns all campaigns, newest first, and for each one whose entry cannot be read, the reason. */
  campaigns(): Promise<{ campaigns: WatchedCampaign[]; damaged: DamagedCampaign[] }>;
  /** Returns the numbers of the runs that have not been collected. */
  openRuns(campaign: string): Promise<number[]>;
  /** Returns the IDs of running jobs. */
  activeJobs(): Promise<string[]>;
  /** Returns the IDs of the jobs that ended at or after a time, and the latest end; times are in ms since 1970. */
  endedSince(time: number): Promise<{ ids: string[]; last: number }>;
  /** Returns the jobs of some runs; undefined for a run without a job. */
  jobs(campaign: string, runNumbers: readonly number[]): Promise<(JobFacts | undefined)[]>;
  /**
   * Returns how runs ended that have left the queue and are not done.
   * @param runNumbers all of the campaign by default.
   */
  keptEnds(campaign: string, runNumbers?: readonly number[]): Promise<Map<number, KeptEnd>>;
  /** Returns the last bytes that a running job has printed, and the size of its whole output. */
  lastOutput(job: string, mostBytes: number): Promise<{ end: Buffer; sizeBytes: number } | undefined>;
  /** Returns those of some jobs that are not too large to be shown. */
  smallJobs(queue: string, ids: readonly string[]): Promise<string[]>;
  /** Returns the workers, the length of the queue, and the builds. */
  swarm(): Promise<WatchedSwarm>;
}

/** A campaign that is listed, but whose entry in the queue cannot be read. */
export interface DamagedCampaign {
  id: string;
  trouble: string;
}

const ANSWER_TIMEOUT_MS = 5000;
const RECONNECT_MS = 500;
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
    jobs: (campaign, numbers) => answered(() => readJobs(redis, campaign, numbers)),
    keptEnds: (campaign, numbers) => answered(() => readKeptEnds(redis, campaign, numbers)),
    lastOutput: (job, mostBytes) =>
      answered(async () => {
        const end = await redis.getrangeBuffer(outputKey(job), -mostBytes, -1);
        return end.length === 0 ? undefined : { end, sizeBytes: await redis.strlen(outputKey(job)) };
      }),
    smallJobs: (queue, ids) => answered(() => smallJobs(redis, queue, ids)),
    swarm: () => answered(() => readSwarm(redis)),
    [Symbol.dispose]: () => redis.disconnect(),
  };
}

/** An entry of the queue does not have the expected type. */
export class DamagedEntry extends UserError {
  override name = "DamagedEntry";
}

/** The queue cannot be asked at the moment. */
export class NoAnswer extends UserError {
  override name = "NoAnswer";
}

async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isWrongType(error)) throw new DamagedEntry("an entry of the queue is damaged", { cause: error });
    throw new NoAnswer("the queue of the swarm is not responding", {
      hint: "this page continues when it responds; check with: swarm-tool status",
      cause: error,
    });
  }
}

/** Number of commands for each campaign in `readCampaigns`. */
const COUNTS = 5;

async function readCampaigns(redis: Redis): Promise<Awaited<ReturnType<QueueWatch["campaigns"]>>> {
  const ids = (await redis.zrevrange(CAMPAIGNS_KEY, 0, -1)).filter(isCampaignId);
  const pipeline = redis.pipeline();
  for (const id of ids)
    pipeline
      .getrange(campaignKey(id), 0, MOST_BYTES)
      .exists(cancelKey(id))
      .scard(openRunsKey(id))
      .hlen(supersededKey(id))
      .hlen(statesKey(id));
  const answers = await answersOf(pipeline);
  const campaigns: WatchedCampaign[] = [];
  const damaged: DamagedCampaign[] = [];
  ids.forEach((id, index) => {
    const [text, ...counts] = answers.slice(index * COUNTS, (index + 1) * COUNTS);
    if (text === "" || (typeof text === "string" && isOfAnotherVersion(text))) return; // expired
    try {
      const campaign = campaignIn(id, text);
      // counts of a wrong type: what is wrong is reported when the runs are read
      const [cancelled, open, superseded, kept] = counts.map((count) => Number(count ?? 1)) as Counts;
      campaigns.push({ campaign, cancelled: cancelled === 1, open, superseded, kept });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      damaged.push({ id, trouble: error.message });
    }
  });
  return { campaigns, damaged };
}

type Counts = [cancelled: number, open: number, superseded: number, kept: number];

/** @throws {UserError} if the entry is damaged. */
function campaignIn(id: string, text: unknown): Campaign {
  if (typeof text === "string" && text.length <= MOST_BYTES) return parseCampaign(id, text);
  throw new DamagedEntry(
    `the entry of campaign ${id} in the queue ${typeof text === "string" ? "is too large" : "has a wrong type"}`,
  );
}
