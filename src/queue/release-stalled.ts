import { Queue, Worker } from "bullmq";
import { attempts } from "../system/poll.ts";
import { RUN_QUEUE, type QueueConnection } from "./names.ts";

const CHECK_INTERVAL_MS = 1000;
const POLL_MS = 250;

/**
 * Requeues the runs of lost workers after their locks have expired. Workers do this themselves; this function is for a
 * queue without workers.
 * @param timeoutMs how long to wait for locks to expire.
 * @returns the number of runs that still count as running.
 */
export async function releaseStalled(connection: QueueConnection, timeoutMs: number): Promise<number> {
  const worker = new Worker(RUN_QUEUE, null, {
    connection,
    stalledInterval: CHECK_INTERVAL_MS,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  const queue = new Queue(RUN_QUEUE, { connection });
  worker.on("error", () => undefined); // the returned number shows what was not done
  queue.on("error", () => undefined);
  try {
    await worker.waitUntilReady();
    await worker.startStalledCheckTimer();
    const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs });
    for (;;) {
      const active = await queue.getActiveCount();
      if (active === 0 || !(await nextAttempt())) return active;
    }
  } finally {
    await Promise.all([worker.close(true), queue.close()]);
  }
}
