import { setInterval } from "node:timers";
import type { Queue } from "bullmq";

const LOOK_INTERVAL_MS = 4000;
/** A worker that is started again is away for a moment. */
const EMPTY_LOOKS = 2;

export interface Attendance {
  /** Something was done with a job just now: there is no need to look. */
  seen(): void;
  stop(): void;
}

/**
 * Watches whether any worker is connected to a queue. Redis drops the connections of machines that have vanished.
 * @param tell told false if there has been none for some seconds, and true once there is one again.
 * @see BullMQ, Queue.getWorkers
 */
export function watchAttendance(
  queue: Pick<Queue, "getWorkers">,
  tell: (attended: boolean) => void,
  intervalMs = LOOK_INTERVAL_MS,
): Attendance {
  let empty = 0;
  let looking = false;
  let active = false;
  const found = (some: boolean): void => {
    const before = empty;
    empty = some ? 0 : empty + 1;
    if (some && before >= EMPTY_LOOKS) tell(true);
    if (empty === EMPTY_LOOKS) tell(false);
  };
  const look = async (): Promise<void> => {
    try {
      found((await queue.getWorkers()).length > 0);
    } catch {
      // that the queue does not answer is told elsewhere
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => {
    const wasActive = active;
    active = false;
    if (looking || wasActive) return;
    looking = true;
    void look();
  }, intervalMs);
  return {
    seen() {
      active = true;
      found(true);
    },
    stop: () => clearInterval(timer),
  };
}
