import { stopIfDeleted, type OwnFolders } from "../../providers/local/halt-local.ts";
import { newSwarm } from "../../providers/kinds/kinds.ts";
import { drain, type Provider, type ProviderContext } from "../../providers/provider.ts";
import { attempts } from "../../system/poll.ts";
import { providerContext } from "../swarm/provider-context.ts";

interface IdleSwarm {
  swarm: string;
  /** Those of this process; undefined if it was not told where the queue's data is. */
  folders: OwnFolders | undefined;
  /** Time after which the swarm is halted. */
  idleMs: number;
}

/**
 * Halts the swarm of this process when no job has been waiting or running for some time, or its folder was deleted. Until
 * then, restarts its dead processes. Results that are not yet collected do not keep the swarm running.
 * @param end aborted after the swarm was halted.
 */
export async function haltWhenIdle(
  { swarm, folders, idleMs }: IdleSwarm,
  end: AbortController,
  onError: (error: Error) => void,
): Promise<void> {
  const context = providerContext({}, end.signal);
  const target = await newSwarm(swarm, { local: true }, context);
  const nextLook = attempts({ everyMs: Math.min(60_000, idleMs / 4), signal: end.signal });
  let busyAt = Date.now();
  while (Date.now() - busyAt < idleMs) {
    await nextLook();
    const found = await look(target, folders, context, end.signal).catch((error: unknown) => {
      end.signal.throwIfAborted();
      onError(error as Error);
      return "busy"; // unknown counts as busy
    });
    if (found === "deleted") return end.abort();
    if (found === "busy") busyAt = Date.now();
  }
  await drain(target.halt({ idle: { self: process.pid } }));
  end.abort();
}

async function look(
  target: Provider,
  folders: OwnFolders | undefined,
  context: ProviderContext,
  signal: AbortSignal,
): Promise<"busy" | "idle" | "deleted"> {
  if (folders !== undefined && (await stopIfDeleted(target.name, folders, context))) return "deleted";
  return (await isBusy(target, signal)) ? "busy" : "idle";
}

async function isBusy(target: Provider, signal: AbortSignal): Promise<boolean> {
  const { state, jobs } = await target.status();
  if (state === "broken") await target.repair({ signal });
  return jobs === undefined || jobs.waiting + jobs.running > 0;
}
