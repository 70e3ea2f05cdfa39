import type { Job, Worker } from "bullmq";
import { queueKey } from "./bull-layout.ts";

/** A job that a worker has taken. */
export interface OwnedJob {
  id: string;
  data: unknown;
  /** 1 for the first time that a worker takes it. */
  attempt: number;
  /** How often a worker that had it has vanished. */
  lost: number;
  /** Aborted when this process ends, or when the job has been given to somebody else. */
  signal: AbortSignal;
}

/** A job that is done together with another one. */
export interface JoinedJob extends OwnedJob {
  complete: (value: object) => Promise<void>;
  /** Gives it back to the queue; done for those that are not completed when the other job is. */
  handBack: () => Promise<void>;
}

/** A job as its handler sees it. */
export interface TakenJob extends OwnedJob {
  report: (progress: object) => void;
  /** The main work of the job is done: another one may begin beside the rest. */
  release: () => void;
  /**
   * Takes further jobs, as far as they are next in turn and waiting now, to be done together with this one.
   * @param size how many there may be, of so many that wait.
   * @param accepts whether a job of this id goes with this one.
   */
  join: (size: (waiting: number) => number, accepts: (id: string) => boolean) => Promise<JoinedJob[]>;
}

export function asOwnedJob(job: Job, signal: AbortSignal): OwnedJob {
  return {
    id: job.id!,
    data: job.data as unknown,
    attempt: job.attemptsStarted,
    lost: job.stalledCounter,
    signal,
  };
}

/** How many of the jobs that are next in turn go with one that is taken already. */
export async function nextInTurn(
  worker: Worker,
  ...[size, accepts]: Parameters<TakenJob["join"]>
): Promise<number> {
  const redis = await worker.backend.client;
  const waiting = queueKey(worker.name, "prioritized");
  const wanted = size(await redis.zcard(waiting));
  if (wanted <= 0) return 0;
  const ids: string[] = await redis.zrange(waiting, 0, wanted - 1);
  const stranger = ids.findIndex((id) => !accepts(id));
  return stranger < 0 ? ids.length : stranger;
}
