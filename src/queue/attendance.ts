import { setInterval } from "node:timers";
import type { Queue } from "bullmq";

const CHECK_INTERVAL_MS = 4000;
/** Number of checks without a worker before it is reported: a worker that restarts is disconnected for a moment. */
const EMPTY_CHECKS = 2;

/** A watch on the workers of a queue. */
export interface Attendance {
  /** Notes that a worker has just done something, so that the next check is not needed. */
  seen(): void;
  stop(): void;
}

/**
 * Watches whether any worker is connected to a queue. Redis drops the connections of lost machines.
 * @param onChange called with false if no worker has been connected for some seconds, and with true when one is again.
 * @see BullMQ, Queue.getWorkers
 */
export function watchWorkers(
  queue: Pick<Queue, "getWorkers">,
  onChange: (attended: boolean) => void,
  intervalMs = CHECK_INTERVAL_MS,
): Attendance {
  let emptyChecks = 0;
  let checking = false;
  let active = false;
  const note = (attended: boolean): void => {
    const before = emptyChecks;
    emptyChecks = attended ? 0 : emptyChecks + 1;
    if (attended && before >= EMPTY_CHECKS) onChange(true);
    if (emptyChecks === EMPTY_CHECKS) onChange(false);
  };
  const check = async (): Promise<void> => {
    try {
      note((await queue.getWorkers()).length > 0);
    } catch {
      // the caller reports a queue that does not answer
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(() => {
    const wasActive = active;
    active = false;
    if (checking || wasActive) return;
    checking = true;
    void check();
  }, intervalMs);
  return {
    seen() {
      active = true;
      note(true);
    },
    stop: () => clearInterval(timer),
  };
}
