import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "bullmq";
import { RUN_QUEUE, type QueueConnection } from "./names.ts";

const CHECK_INTERVAL_MS = 1000;
const POLL_MS = 250;

/**
 * Puts the runs back into the queue whose worker has vanished and whose lock has run out. The workers do that themselves;
 * this is for a queue that has none any more.
 * @param timeoutMs how long to wait for locks that have not yet run out.
 * @returns how many runs still count as running.
 */
export async function releaseStalled(connection: QueueConnection, timeoutMs: number): Promise<number> {
  const worker = new Worker(RUN_QUEUE, null, {
    connection,
    stalledInterval: CHECK_INTERVAL_MS,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on("error", () => undefined); // the caller sees what is left
  try {
    await worker.waitUntilReady();
    await worker.startStalledCheckTimer();
    const client = await worker.client;
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const active = await client.llen(worker.toKey("active"));
      if (active === 0 || Date.now() >= deadline) return active;
      await delay(POLL_MS);
    }
  } finally {
    await worker.close(true);
  }
}
