import { newSwarm } from "../../providers/kinds/kinds.ts";
import { drain, type Provider } from "../../providers/provider.ts";
import { attempts } from "../../system/poll.ts";
import { providerContext } from "../swarm/provider-context.ts";

/**
 * Halts the swarm of this process when no job has been waiting or running for some time. Until then, restarts
 * its dead processes. Results that are not yet collected do not keep the swarm running.
 * @param end aborted after the swarm was halted.
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
      return true; // unknown counts as busy
    });
    if (busy) busyAt = Date.now();
  }
  await drain(target.halt({ idle: { self: process.pid } }));
  end.abort();
}

async function isBusy(target: Provider, signal: AbortSignal): Promise<boolean> {
  const { state, jobs } = await target.status();
  if (state === "broken") await target.repair({ signal });
  return jobs === undefined || jobs.waiting + jobs.running > 0;
}
