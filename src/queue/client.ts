import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { BuildAnswer, BuildRequest } from "../model/build.ts";
import { runJobId, type Campaign, type RunJob } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { askBuild } from "./ask-build.ts";
import { announceCancellation, saveCampaign } from "./campaign-state.ts";
import { checkQueue } from "./check.ts";
import {
  chunks,
  listCampaigns,
  openCampaign,
  type CampaignListing,
  type FoundCampaign,
} from "./campaign-list.ts";
import { readOutput } from "./live-output.ts";
import { followRuns, lastEventId, type RunEvent } from "./follow.ts";
import { fairTurns } from "./turns.ts";
import { checkWorkers } from "./worker-name.ts";
import { BUILD_QUEUE, cancelKey, openRunsKey, RUN_QUEUE, type QueueConnection } from "./names.ts";

/** The queues as a client sees them. */
export interface QueueClient extends AsyncDisposable {
  /**
   * Asks for a build and waits for the answer; clients that ask for the same build share one job.
   * @throws {UserError} where a builder is of another version.
   */
  build(request: BuildRequest, signal: AbortSignal): Promise<BuildAnswer>;
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
   * Cancels a campaign: nothing of it starts any more, and what runs is told to end.
   * @returns the numbers of the runs that were still waiting; they are gone from the queue.
   */
  cancel(campaign: string, runNumbers: readonly number[]): Promise<number[]>;
  /** The campaigns that the swarm knows, the newest first; the runs of those that are not wanted are not looked at. */
  list(isWanted?: (campaign: Campaign) => boolean): Promise<CampaignListing[]>;
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
  /** Forgets a run whose result has been collected. */
  forget(campaign: string, runNumber: number): Promise<void>;
}

/** @throws {UserError} where Redis is not there, refuses the password, or is too old. */
export async function openQueueClient(connection: QueueConnection): Promise<QueueClient> {
  await checkQueue(connection);
  const redis = new Redis(connection);
  const options = { connection: redis, skipVersionCheck: true };
  const runs = new Queue<RunJob>(RUN_QUEUE, options);
  const builds = new Queue<BuildRequest>(BUILD_QUEUE, options);
  for (const emitter of [redis, runs, builds]) emitter.on("error", () => undefined); // whoever follows is told
  await redis.ping(); // a connection that is closed while it is being made keeps the process for two seconds
  return {
    async build(request, signal) {
      await checkWorkers(builds);
      return await askBuild({ queue: builds, redis, connection }, request, signal);
    },
    position: () => lastEventId({ queue: runs, redis }),
    follow: (campaign, wanted, position) =>
      followRuns({ queue: runs, redis, connection, position }, campaign, wanted),
    async add(campaign, all) {
      await checkWorkers(runs);
      await saveCampaign(redis, campaign);
      const turn = await fairTurns(redis, runs, campaign.batchSize ?? 1);
      let place = 0;
      for (const chunk of chunks(all)) {
        await redis.sadd(openRunsKey(campaign.id), ...chunk.map((run) => run.runNumber));
        await runs.addBulk(chunk.map((run) => asJob(campaign.id, run, turn(place++))));
      }
    },
    async cancel(campaign, runNumbers) {
      await announceCancellation(redis, campaign);
      const removed: number[] = [];
      for (const chunk of chunks(runNumbers)) {
        const counts = await Promise.all(
          chunk.map((number) => removeWaiting(runs, runJobId(campaign, number))),
        );
        removed.push(...chunk.filter((_, index) => counts[index] === 1));
      }
      if (removed.length > 0) await redis.srem(openRunsKey(campaign), ...removed);
      return removed;
    },
    async forget(campaign, runNumber) {
      await runs.remove(runJobId(campaign, runNumber));
      await redis.srem(openRunsKey(campaign), runNumber);
    },
    async revive(campaign) {
      await redis.del(cancelKey(campaign));
    },
    async result(campaign, runNumber) {
      const job = await runs.getJob(runJobId(campaign, runNumber));
      return job?.finishedOn === undefined ? undefined : (job.returnvalue as unknown);
    },
    output: (job, offset) => readOutput(redis, job, offset),
    list: (isWanted) => listCampaigns(redis, runs, isWanted),
    find: (id) => openCampaign(redis, runs, id),
    isOpen: async (id, runNumber) => (await redis.sismember(openRunsKey(id), runNumber)) === 1,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([runs.close(), builds.close()]);
      redis.disconnect();
    },
  };
}

function asJob(campaign: string, run: Run, priority: number) {
  const data: RunJob = { protocol: PROTOCOL, campaign, run };
  return {
    name: `${run.config} #${run.runNumber}`,
    data,
    opts: { jobId: runJobId(campaign, run.runNumber), priority },
  };
}

/**
 * The campaign is marked as cancelled before, so a job that a worker takes between the two calls ends as
 * cancelled and has no result to lose.
 * @returns 1 where the job was waiting.
 */
async function removeWaiting(queue: Queue, id: string): Promise<number> {
  const state = await queue.getJobState(id);
  return state === "waiting" || state === "prioritized" ? await queue.remove(id) : 0;
}
