import { newSwarm } from "../../providers/kinds/kinds.ts";
import { drain, type Provider } from "../../providers/provider.ts";
import { attempts } from "../../system/poll.ts";
import { providerContext } from "../swarm/provider-context.ts";

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
  const target = await newSwarm(swarm, { local: true }, providerContext({}, end.signal));
  const nextLook = attempts({ everyMs: Math.min(60_000, idleMs / 4), signal: end.signal });
  let busyAt = Date.now();
  while (Date.now() - busyAt < idleMs) {
    await nextLook();
    const busy = await isBusy(target, end.signal).catch((error: unknown) => {
      end.signal.throwIfAborted();
      onError(error as Error);
      return true; // as long as it is not known
    });
    if (busy) busyAt = Date.now();
  }
  await drain(target.halt({ idle: { self: process.pid } }));
  end.abort();
}

async function isBusy(target: Provider, signal: AbortSignal): Promise<boolean> {
  const { state, jobs } = await target.status();
  if (state === "broken") await target.mend({ signal });
  return jobs === undefined || jobs.waiting + jobs.running > 0;
}
