import type { Job, Worker } from "bullmq";
import { queueKey } from "./bull-layout.ts";
import { countRunnerSlots } from "./workers.ts";

/** A job that a worker has taken. */
export interface OwnedJob {
  id: string;
  data: unknown;
  /** 1 when a worker takes the job for the first time. */
  attempt: number;
  /** How many workers were lost while they had the job. */
  lost: number;
  /** Aborted when this process is to end, or when the job has been given to another worker. */
  signal: AbortSignal;
}

/** A job that is done together with another one. */
export interface JoinedJob extends OwnedJob {
  complete: (value: object) => Promise<void>;
  /** Hands the job back to the queue; called for jobs that are not completed when the main job is. */
  requeue: () => Promise<void>;
}

/** A handler's view of a job. */
export interface TakenJob extends OwnedJob {
  report: (progress: object) => void;
  /** Notes that the job's main work is done, so that another job may start during the rest. */
  release: () => void;
  /**
   * Takes further jobs to be done together with this one, if they are the next in the queue.
   * @param size returns the maximum number of further jobs, given the number of waiting jobs, and of those that all runners
   *   together execute concurrently; undefined if that is not known.
   * @param accepts returns whether a job with this ID can be done together with this one.
   */
  join: (
    size: (waiting: number, slots: number | undefined) => number,
    accepts: (id: string) => boolean,
  ) => Promise<JoinedJob[]>;
}

/** Returns a BullMQ job without BullMQ's interface. */
export function asOwnedJob(job: Job, signal: AbortSignal): OwnedJob {
  return {
    id: job.id!,
    data: job.data as unknown,
    attempt: job.attemptsStarted,
    lost: job.stalledCounter,
    signal,
  };
}

/** Returns how many of the next jobs in the queue can be done together with a job that has been taken. */
export async function nextInTurn(
  worker: Worker,
  ...[size, accepts]: Parameters<TakenJob["join"]>
): Promise<number> {
  const redis = await worker.backend.client;
  const waiting = queueKey(worker.name, "prioritized");
  const wanted = size(await redis.zcard(waiting), await countRunnerSlots(redis));
  if (wanted <= 0) return 0;
  const ids: string[] = await redis.zrange(waiting, 0, wanted - 1);
  const firstUnrelated = ids.findIndex((id) => !accepts(id));
  return firstUnrelated < 0 ? ids.length : firstUnrelated;
}
