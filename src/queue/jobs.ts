import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { BuildAnswer, BuildRequest } from "../model/build.ts";
import type { BuildProgress } from "../model/build-progress.ts";
import { runJobId, type Campaign, type RunJob } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { askBuild } from "./ask-build.ts";
import { storeBuildRequest } from "./build-requests.ts";
import { announceCancellation, saveCampaign } from "./campaign-state.ts";
import { followRuns, type RunEvent } from "./follow.ts";
import { BUILD_QUEUE, openRunsKey, RUN_QUEUE, type QueueConnection } from "./names.ts";
import { chunks } from "./pipelines.ts";
import { reorderRuns } from "./reorder.ts";
import { admitRuns, park, PARKED_MS } from "./run-limit.ts";
import { forgetEnds, jobCounts, removeWaiting } from "./run-states.ts";
import { fairTurns } from "./turns.ts";
import { checkWorkers } from "./worker-name.ts";

// What a client does with jobs by means of BullMQ, which takes longer to load than most questions take to answer.

/** Returns the wall time that is predicted for a run, in ms; undefined if nothing is known. */
type ExpectedMs = (run: Run) => number | undefined;

/** The builds and runs in the queues of a swarm. */
export interface Jobs extends AsyncDisposable {
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
  /**
   * Queues all runs of a campaign, in the order in which they are to be executed.
   * @param expectedMs returns the wall time that is predicted for a run, as far as it is known.
   * @throws {UserError} if a runner is of another version; nothing is queued then.
   */
  add(campaign: Campaign, runs: readonly Run[], expectedMs?: ExpectedMs): Promise<void>;
  /** Changes the order in which the waiting runs of a campaign are executed. */
  reorder(campaign: string, runNumbers: readonly number[]): Promise<void>;
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
  /** Removes the job of a run. */
  forget(campaign: string, runNumber: number): Promise<void>;
}

/** Opens the queues. @param redis a connection, which is not closed. @param gone as for the client. */
export function openJobs(redis: Redis, connection: QueueConnection, gone: AbortSignal | undefined): Jobs {
  const options = { connection: redis, skipVersionCheck: true };
  const runs = new Queue<RunJob>(RUN_QUEUE, options);
  const builds = new Queue<BuildRequest>(BUILD_QUEUE, options);
  for (const emitter of [runs, builds]) emitter.on("error", () => undefined); // `follow` reports them
  return {
    async build(request, signal, onProgress) {
      await checkWorkers(builds);
      return await askBuild({ queue: builds, redis, connection, gone }, request, signal, onProgress);
    },
    keepRequest: (request) => storeBuildRequest(redis, request),
    follow: (campaign, wanted, position, left) =>
      followRuns({ queue: runs, redis, connection, position, gone, left }, campaign, wanted),
    reorder: (campaign, runNumbers) => reorderRuns(redis, campaign, runNumbers),
    add: (campaign, all, expectedMs) => addRuns(redis, runs, campaign, all, expectedMs),
    async cancel(campaign, runNumbers) {
      if (!(await isAnyActive(redis, campaign, runNumbers))) return undefined;
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
    async forget(campaign, runNumber) {
      await runs.remove(runJobId(campaign, runNumber));
      await redis.srem(openRunsKey(campaign), runNumber);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([runs.close(), builds.close()]);
    },
  };
}

async function addRuns(
  redis: Redis,
  queue: Queue<RunJob>,
  campaign: Campaign,
  runs: readonly Run[],
  expectedMs: ExpectedMs = () => undefined,
): Promise<void> {
  await checkWorkers(queue);
  await saveCampaign(redis, campaign);
  const turn = await fairTurns(redis, queue, campaign.batchSize ?? 1);
  let index = 0;
  for (const chunk of chunks(runs)) {
    const numbers = chunk.map((run) => run.runNumber);
    await redis.sadd(openRunsKey(campaign.id), ...numbers);
    await park(redis, campaign, numbers, index);
    await queue.addBulk(chunk.map((run) => asJob(campaign, run, turn(index++), expectedMs(run))));
    await forgetEnds(redis, campaign.id, numbers);
  }
  await admitRuns(redis, queue, campaign);
}

function asJob({ id, concurrency }: Campaign, run: Run, priority: number, expectedMs: number | undefined) {
  const expected = expectedMs === undefined ? {} : { expectedMs: Math.round(expectedMs) };
  const data: RunJob = { protocol: PROTOCOL, campaign: id, run, ...expected };
  const delay = concurrency === undefined ? {} : { delay: PARKED_MS };
  return {
    name: `${run.config} #${run.runNumber}`,
    data,
    opts: { jobId: runJobId(id, run.runNumber), priority, ...delay },
  };
}

async function isAnyActive(redis: Redis, campaign: string, numbers: readonly number[]): Promise<boolean> {
  for (const chunk of chunks(numbers)) {
    const { waiting, running } = await jobCounts(redis, campaign, chunk);
    if (waiting + running > 0) return true;
  }
  return false;
}
