import { setTimeout as delay } from "node:timers/promises";
import { haltLocal, withSwarmLock } from "../../providers/local/local.ts";
import type { LocalTarget } from "../../providers/target.ts";
import { localDependencies, localTargetOf } from "../swarm/choose-swarm.ts";

/**
 * Halts the swarm that this process belongs to when no job has waited or run for the given time, and until
 * then starts again what dies of it: nobody else may be there who would.
 * A result that waits for its client does not keep it running.
 */
export async function haltWhenIdle(
  swarm: string,
  idleMs: number,
  end: AbortController,
  onError: (error: Error) => void,
): Promise<void> {
  const target = localTargetOf(swarm);
  const pollMs = Math.min(60_000, idleMs / 4);
  let busyAt = Date.now();
  while (Date.now() - busyAt < idleMs) {
    await delay(pollMs, undefined, { signal: end.signal });
    const busy = await isBusy(target, end.signal).catch((error: unknown) => {
      end.signal.throwIfAborted();
      onError(error as Error);
      return true; // as long as it is not known
    });
    if (busy) busyAt = Date.now();
  }
  await withSwarmLock(swarm, () => haltLocal(swarm, "idleness", localDependencies, process.pid), end.signal);
  end.abort();
}

async function isBusy(target: LocalTarget, signal: AbortSignal): Promise<boolean> {
  const { state, jobs } = await target.status();
  if (state === "broken") await target.mend({ signal });
  return jobs === undefined || jobs.waiting + jobs.running > 0;
}
