import { Queue } from "bullmq";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "./names.ts";

/** How much work a swarm has: runs and builds together. */
export interface JobCounts {
  waiting: number;
  running: number;
  /** Runs that have ended and whose client has not yet fetched them. */
  uncollected: number;
}

/** @throws where the queue does not answer at once. */
export async function countJobs(connection: QueueConnection): Promise<JobCounts> {
  const queues = [RUN_QUEUE, BUILD_QUEUE].map((name) => new Queue(name, { connection }));
  try {
    const [runs, builds] = await Promise.all(
      queues.map((queue) =>
        queue.getJobCounts("waiting", "prioritized", "delayed", "active", "completed", "failed"),
      ),
    );
    const sum = (...names: string[]): number =>
      names.reduce((total, name) => total + (runs?.[name] ?? 0) + (builds?.[name] ?? 0), 0);
    return {
      waiting: sum("waiting", "prioritized", "delayed"),
      running: sum("active"),
      uncollected: (runs?.["completed"] ?? 0) + (runs?.["failed"] ?? 0),
    };
  } finally {
    await Promise.all(queues.map((queue) => queue.close()));
  }
}
