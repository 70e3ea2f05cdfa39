import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { BuildAnswer, BuildRequest } from "../model/build.ts";
import { runJobId, type Campaign, type RunJob } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { jsonIn } from "../system/json.ts";
import { FIELD, jobKey } from "./bull-layout.ts";
import { askBuild } from "./ask-build.ts";
import { keepBuildRequest } from "./build-requests.ts";
import { announceCancellation, saveCampaign } from "./campaign-state.ts";
import { checkQueue } from "./check.ts";
import {
  chunks,
  listCampaigns,
  openCampaign,
  type CampaignListing,
  type FoundCampaign,
  type OnDamaged,
} from "./campaign-list.ts";
import { readOutput } from "./live-output.ts";
import { followRuns, lastEventId, type RunEvent } from "./follow.ts";
import { forgetEnds, jobCounts, keepEnd, removeWaiting, type CollectedEnd } from "./run-states.ts";
import { readTroubles, troubleLine } from "./troubles.ts";
import { fairTurns } from "./turns.ts";
import { checkWorkers } from "./worker-name.ts";
import { BUILD_QUEUE, cancelKey, openRunsKey, RUN_QUEUE, type QueueConnection } from "./names.ts";

const RETRY_STEP_MS = 50;
const LONGEST_RETRY_MS = 2000;

/** The queues as a client sees them. */
export interface QueueClient extends AsyncDisposable {
  /**
   * Asks for a build and waits for the answer; clients that ask for the same build share one job.
   * @throws {UserError} where a builder is of another version.
   */
  build(request: BuildRequest, signal: AbortSignal): Promise<BuildAnswer>;
  /** Keeps how a build is made, so that runners can have it made again if it is lost while runs wait. */
  keepRequest(request: BuildRequest): Promise<void>;
  /** The workers that take no jobs now, each in one line. */
  troubles(): Promise<string[]>;
  /**
   * Queues all runs of a campaign.
   * @throws {UserError} where a runner is of another version; nothing is queued then.
   */
  add(campaign: Campaign, runs: readonly Run[]): Promise<void>;
  /** Where the stream of events stands; ask before adding, to miss none. */
  position(): Promise<string>;
  /** What happens to the runs after that position, until all have ended. */
  follow(campaign: string, runs: readonly Run[], position: string): Promise<ReadableStream<RunEvent>>;
  /**
   * Cancels a campaign: nothing of it starts any more, and running simulations are stopped.
   * @returns the numbers of the runs that were still waiting; they are gone from the queue. Undefined where none of the
   *   runs is waiting or running: then the campaign stays as it is.
   */
  cancel(campaign: string, runNumbers: readonly number[]): Promise<number[] | undefined>;
  /** The campaigns that the swarm knows, the newest first; the runs of those that are not wanted are not looked at. */
  list(isWanted?: (campaign: Campaign) => boolean, onDamaged?: OnDamaged): Promise<CampaignListing[]>;
  /**
   * A campaign with its runs that have not been collected.
   * @throws {UserError} where there is none of this id.
   */
  find(id: string): Promise<FoundCampaign>;
  /** Whether a run has yet to be collected. */
  isOpen(campaign: string, runNumber: number): Promise<boolean>;
  /** Takes back that a campaign is cancelled. */
  revive(campaign: string): Promise<void>;
  /** What the worker of a run returned; undefined as long as it has not ended. */
  result(campaign: string, runNumber: number): Promise<unknown>;
  /** What a running job has printed after an offset, as far as it is known. */
  output(job: string, offset: number): Promise<Buffer | undefined>;
  /** Keeps how a run ended that has been collected, for `list` and `retry`, and forgets its job. */
  collected(campaign: string, run: Run, end: CollectedEnd): Promise<void>;
  /** Forgets the job of a run. */
  forget(campaign: string, runNumber: number): Promise<void>;
}

/**
 * Connects to the queues of a swarm. A lost connection comes back by itself.
 * @param gone aborted when the swarm has been removed: then nothing is waited for any more, and everything fails.
 * @throws {UserError} where Redis is not there, refuses the password, or is too old.
 */
export async function openQueueClient(connection: QueueConnection, gone?: AbortSignal): Promise<QueueClient> {
  await checkQueue(connection);
  const redis = connectUntil(gone, connection);
  const options = { connection: redis, skipVersionCheck: true };
  const runs = new Queue<RunJob>(RUN_QUEUE, options);
  const builds = new Queue<BuildRequest>(BUILD_QUEUE, options);
  for (const emitter of [redis, runs, builds]) emitter.on("error", () => undefined); // whoever follows is told
  const forget = async (campaign: string, runNumber: number): Promise<void> => {
    await runs.remove(runJobId(campaign, runNumber));
    await redis.srem(openRunsKey(campaign), runNumber);
  };
  await redis.ping(); // a connection that is closed while it is being made keeps the process for two seconds
  return {
    async build(request, signal) {
      await checkWorkers(builds);
      return await askBuild({ queue: builds, redis, connection, gone }, request, signal);
    },
    keepRequest: (request) => keepBuildRequest(redis, request),
    troubles: async () => (await readTroubles(redis)).map(troubleLine),
    position: () => lastEventId({ queue: runs, redis }),
    follow: (campaign, wanted, position) =>
      followRuns({ queue: runs, redis, connection, position, gone }, campaign, wanted),
    async add(campaign, all) {
      await checkWorkers(runs);
      await saveCampaign(redis, campaign);
      const turn = await fairTurns(redis, runs, campaign.batchSize ?? 1);
      let place = 0;
      for (const chunk of chunks(all)) {
        const numbers = chunk.map((run) => run.runNumber);
        await redis.sadd(openRunsKey(campaign.id), ...numbers);
        await runs.addBulk(chunk.map((run) => asJob(campaign.id, run, turn(place++))));
        await forgetEnds(redis, campaign.id, numbers);
      }
    },
    async cancel(campaign, runNumbers) {
      if (!(await isAnyActive(redis, runs, campaign, runNumbers))) return undefined;
      await announceCancellation(redis, campaign);
      const removed: number[] = [];
      for (const chunk of chunks(runNumbers)) {
        const gone = await Promise.all(chunk.map((number) => removeWaiting(redis, runs, campaign, number)));
        removed.push(...chunk.filter((_, index) => gone[index]));
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
      return finishedOn === null ? undefined : (jsonIn(value) ?? null);
    },
    output: (job, offset) => readOutput(redis, job, offset),
    list: (isWanted, onDamaged) => listCampaigns(redis, runs, isWanted, onDamaged),
    find: (id) => openCampaign(redis, runs, id),
    isOpen: async (id, runNumber) => (await redis.sismember(openRunsKey(id), runNumber)) === 1,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([runs.close(), builds.close()]);
      redis.disconnect();
    },
  };
}

/** After the signal, waiting commands fail: at once, or when the next attempt to connect has failed. */
function connectUntil(gone: AbortSignal | undefined, connection: QueueConnection): Redis {
  const retryStrategy = (attempt: number): number | null =>
    gone?.aborted ? null : Math.min(attempt * RETRY_STEP_MS, LONGEST_RETRY_MS);
  const redis = new Redis({ ...connection, retryStrategy });
  const end = (): void => {
    if (redis.status !== "reconnecting") redis.disconnect(); // there it would cancel the attempt, and nothing would fail
  };
  gone?.addEventListener("abort", end, { once: true });
  return redis;
}

function asJob(campaign: string, run: Run, priority: number) {
  const data: RunJob = { protocol: PROTOCOL, campaign, run };
  return {
    name: `${run.config} #${run.runNumber}`,
    data,
    opts: { jobId: runJobId(campaign, run.runNumber), priority },
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
