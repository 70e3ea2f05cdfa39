import { countJobs } from "../../queue/counts.ts";
import type { QueueConnection } from "../../queue/names.ts";
import { writeFileAtomically } from "../../system/files.ts";
import { attempts } from "../../system/poll.ts";

const ALIVE_MS = 20_000;
const BUSY_MS = 30_000;

/** Updates a file regularly until the signal is aborted, for the container's health check. */
export function writeHeartbeat(file: string, signal: AbortSignal): Promise<void> {
  return repeat(ALIVE_MS, signal, () => writeFileAtomically(file, `${new Date().toISOString()}\n`));
}

/**
 * Writes to a file whether the swarm has work, `1` or `0`, for the machine's idle alarm, until the signal is
 * aborted. If the queue does not respond or the file cannot be written, the file becomes outdated, which the
 * machine detects.
 */
export function writeBusyFile(
  file: string,
  connection: QueueConnection,
  onError: (error: Error) => void,
  signal: AbortSignal,
): Promise<void> {
  return repeat(BUSY_MS, signal, async () => {
    try {
      const { waiting, running } = await countJobs(connection);
      await writeFileAtomically(file, waiting + running > 0 ? "1\n" : "0\n");
    } catch (error) {
      onError(error as Error);
    }
  });
}

async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  const next = attempts({ everyMs, signal, onAbort: "stop", ref: false });
  do await work();
  while (await next());
}
