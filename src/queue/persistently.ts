import { ErrorCode } from "bullmq";
import { attempts } from "../system/poll.ts";

const RETRY_MS = 1000;

/** What BullMQ answers for a job that this worker does not have any more. */
const LOST: readonly unknown[] = [
  ErrorCode.JobNotExist,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobLockMismatch,
  ErrorCode.JobNotInState,
];

/**
 * Changes the state of a job, again and again where Redis refuses it (it loads its data, its disk or its memory is
 * full). Meanwhile the lock of the job is renewed by whoever holds it.
 * @returns false if the job has been given to somebody else, or the worker ends.
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
    await nextAttempt(); // when the worker ends: once more
  }
}
