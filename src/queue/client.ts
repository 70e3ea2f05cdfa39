import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { BuildAnswer, BuildRequest } from "../model/build.ts";
import type { BuildProgress } from "../model/build-progress.ts";
import { runJobId, type Campaign, type RunJob } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { FIELD, jobKey } from "./bull-layout.ts";
import { askBuild } from "./ask-build.ts";
import { storeBuildRequest } from "./build-requests.ts";
import { announceCancellation, saveCampaign } from "./campaign-state.ts";
import { checkQueue } from "./check.ts";
import {
  chunks,
  listCampaigns,
  openCampaign,
  readCampaigns,
  type CampaignListing,
  type FoundCampaign,
  type OnDamaged,
} from "./campaign-list.ts";
import { readOutput } from "./live-output.ts";
import { followRuns, lastEventId, type RunEvent } from "./follow.ts";
import { admitRuns, park, PARKED_MS } from "./run-limit.ts";
import { forgetEnds, jobCounts, keepEnd, removeWaiting, type CollectedEnd } from "./run-states.ts";
import { readStoppedWorkers, describeStoppedWorker } from "./troubles.ts";
import { fairTurns } from "./turns.ts";
import { checkWorkers } from "./worker-name.ts";
import {
  BUILD_QUEUE,
  campaignKey,
  cancelKey,
  openRunsKey,
  RUN_QUEUE,
  type QueueConnection,
} from "./names.ts";

const RETRY_STEP_MS = 50;
const LONGEST_RETRY_MS = 2000;

/** A client's view of the queues. */
export interface QueueClient extends AsyncDisposable {
  /**
   * Requests a build and waits for the answer; clients that request the same build share one job.
   * @throws {UserError} if a builder is of another version.
   */
  build(
    request: BuildRequest,
    signal: AbortSignal,
    onProgress?: (progress: BuildProgress) => void,
  ): Promise<BuildAnswer>;
  /** Stores the request for a build, so that runners can have it built again if it is lost while runs are queued. */
  keepRequest(request: BuildRequest): Promise<void>;
  /** Returns one line for each worker that has stopped taking jobs. */
  troubles(): Promise<string[]>;
  /**
   * Queues all runs of a campaign.
   * @throws {UserError} if a runner is of another version; nothing is queued then.
   */
  add(campaign: Campaign, runs: readonly Run[]): Promise<void>;
  /** Returns the current position in the stream of events. Call this before `add` in order not to miss an event. */
  position(): Promise<string>;
  /**
   * Streams the events of the runs after a position, until all have ended.
   * @param left aborted when the reader leaves: the stream then ends.
   */
  follow(
    campaign: string,
    runs: readonly Run[],
    position: string,
    left?: AbortSignal,
  ): Promise<ReadableStream<RunEvent>>;
  /**
   * Cancels a campaign: no more of its runs are started, and running simulations are stopped.
   * @returns the numbers of the runs that were queued; they have been removed from the queue. Undefined if none of the
   *   runs was queued or running; the campaign is then not changed.
   */
  cancel(campaign: string, runNumbers: readonly number[]): Promise<number[] | undefined>;
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
  /** Undoes the cancellation of a campaign. */
  revive(campaign: string): Promise<void>;
  /** Returns the value that a run's worker has returned; undefined until the run has ended. */
  result(campaign: string, runNumber: number): Promise<unknown>;
  /** Returns what a running job has printed after an offset in bytes; undefined if nothing is known. */
  output(job: string, offset: number): Promise<Buffer | undefined>;
  /** Notes how a collected run ended, for `list` and `retry`, and removes its job. */
  collected(campaign: string, run: Run, end: CollectedEnd): Promise<void>;
  /** Removes the job of a run. */
  forget(campaign: string, runNumber: number): Promise<void>;
}

/**
 * Connects to the queues of a swarm. Reconnects automatically.
 * @param gone aborted when the swarm has been removed: all commands then fail instead of waiting for a connection.
 * @throws {UserError} if Redis does not answer, rejects the password, or is too old.
 */
export async function openQueueClient(connection: QueueConnection, gone?: AbortSignal): Promise<QueueClient> {
  await checkQueue(connection);
  const redis = connectUntil(gone, connection);
  const options = { connection: redis, skipVersionCheck: true };
  const runs = new Queue<RunJob>(RUN_QUEUE, options);
  const builds = new Queue<BuildRequest>(BUILD_QUEUE, options);
  for (const emitter of [redis, runs, builds]) emitter.on("error", () => undefined); // `follow` reports them
  const forget = async (campaign: string, runNumber: number): Promise<void> => {
    await runs.remove(runJobId(campaign, runNumber));
    await redis.srem(openRunsKey(campaign), runNumber);
  };
  await redis.ping(); // closing a connection that is not yet established would delay the process's end by two seconds
  return {
    async build(request, signal, onProgress) {
      await checkWorkers(builds);
      return await askBuild({ queue: builds, redis, connection, gone }, request, signal, onProgress);
    },
    keepRequest: (request) => storeBuildRequest(redis, request),
    troubles: async () => (await readStoppedWorkers(redis)).map(describeStoppedWorker),
    position: () => lastEventId({ queue: runs, redis }),
    follow: (campaign, wanted, position, left) =>
      followRuns({ queue: runs, redis, connection, position, gone, left }, campaign, wanted),
    add: (campaign, all) => addRuns(redis, runs, campaign, all),
    async cancel(campaign, runNumbers) {
      if (!(await isAnyActive(redis, runs, campaign, runNumbers))) return undefined;
      await announceCancellation(redis, campaign);
      const removed: number[] = [];
      for (const chunk of chunks(runNumbers)) {
        const isRemoved = await Promise.all(
          chunk.map((number) => removeWaiting(redis, runs, campaign, number)),
        );
        removed.push(...chunk.filter((_, index) => isRemoved[index]));
      }
      return removed;
    },
    async collected(campaign, run, end) {
      await keepEnd(redis, campaign, run, end);
      await forget(campaign, run.runNumber);
    },
    forget,
    async revive(campaign) {
      await redis.del(cancelKey(campaign));
    },
    async result(campaign, runNumber) {
      const job = jobKey(runs.name, runJobId(campaign, runNumber));
      const [finishedOn, value] = await redis.hmget(job, FIELD.finishedAt, FIELD.value);
      return finishedOn === null ? undefined : (parseJsonOrUndefined(value) ?? null);
    },
    output: (job, offset) => readOutput(redis, job, offset),
    list: (isWanted, onDamaged) => listCampaigns(redis, runs, isWanted, onDamaged),
    campaigns: () => readCampaigns(redis),
    isKnown: async (id) => (await redis.exists(campaignKey(id))) === 1,
    find: (id) => openCampaign(redis, runs, id),
    isOpen: async (id, runNumber) => (await redis.sismember(openRunsKey(id), runNumber)) === 1,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([runs.close(), builds.close()]);
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

async function addRuns(
  redis: Redis,
  queue: Queue<RunJob>,
  campaign: Campaign,
  runs: readonly Run[],
): Promise<void> {
  await checkWorkers(queue);
  await saveCampaign(redis, campaign);
  const turn = await fairTurns(redis, queue, campaign.batchSize ?? 1);
  let index = 0;
  for (const chunk of chunks(runs)) {
    const numbers = chunk.map((run) => run.runNumber);
    await redis.sadd(openRunsKey(campaign.id), ...numbers);
    await park(redis, campaign, numbers);
    await queue.addBulk(chunk.map((run) => asJob(campaign, run, turn(index++))));
    await forgetEnds(redis, campaign.id, numbers);
  }
  await admitRuns(redis, queue, campaign);
}

function asJob({ id, concurrency }: Campaign, run: Run, priority: number) {
  const data: RunJob = { protocol: PROTOCOL, campaign: id, run };
  const delay = concurrency === undefined ? {} : { delay: PARKED_MS };
  return {
    name: `${run.config} #${run.runNumber}`,
    data,
    opts: { jobId: runJobId(id, run.runNumber), priority, ...delay },
  };
}

async function isAnyActive(
  redis: Redis,
  queue: Queue,
  campaign: string,
  numbers: readonly number[],
): Promise<boolean> {
  for (const chunk of chunks(numbers)) {
    const { waiting, running } = await jobCounts(redis, queue, campaign, chunk);
    if (waiting + running > 0) return true;
  }
  return false;
}
