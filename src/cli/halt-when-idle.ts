import { setTimeout as delay } from "node:timers/promises";
import { countJobs } from "../queue/counts.ts";
import type { QueueConnection } from "../queue/names.ts";
import { haltLocal, withLock } from "../targets/local.ts";
import { localDirectories } from "../targets/local-paths.ts";

/**
 * Halts the swarm that this process belongs to when no job has waited or run for the given time.
 * A result that waits for its client does not keep it running.
 */
export async function haltWhenIdle(
  swarm: string,
  idleMs: number,
  connection: QueueConnection,
  end: AbortController,
): Promise<void> {
  const pollMs = Math.min(60_000, idleMs / 4);
  let busyAt = Date.now();
  while (Date.now() - busyAt < idleMs) {
    await delay(pollMs, undefined, { signal: end.signal });
    const { waiting, running } = await countJobs(connection);
    if (waiting + running > 0) busyAt = Date.now();
  }
  await withLock(localDirectories(swarm).state, () => haltLocal(swarm, "idleness", process.pid));
  end.abort();
}
