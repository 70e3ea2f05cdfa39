import { ErrorCode } from "bullmq";
import { attempts } from "../system/poll.ts";

const RETRY_MS = 1000;

/** BullMQ's error codes for a job that this worker no longer holds. */
const LOST: readonly unknown[] = [
  ErrorCode.JobNotExist,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobLockMismatch,
  ErrorCode.JobNotInState,
];

/**
 * Changes the state of a job, and retries while Redis does not accept it (because it loads its data, or its disk or
 * memory is full). The caller renews the job's lock in the meantime.
 * @returns false if another worker has the job by now, or the signal is aborted.
 */
export async function persistently(
  change: () => Promise<unknown>,
  { onError, signal }: { onError: (error: Error) => void; signal: AbortSignal },
): Promise<boolean> {
  const nextAttempt = attempts({ everyMs: RETRY_MS, signal, onAbort: "stop" });
  for (;;) {
    try {
      await change();
      return true;
    } catch (error) {
      onError(error as Error);
      if (LOST.includes((error as { code?: unknown }).code) || signal.aborted) return false;
    }
    await nextAttempt(); // aborted: try once more
  }
}
