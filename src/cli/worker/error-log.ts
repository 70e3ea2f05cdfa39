const SAME_ERROR_MS = 60_000;

/** Returns a function that logs errors, each at most once a minute: an unreachable server repeats the same error. */
export function errorLog(log: (text: string) => void): (error: Error) => void {
  const reportedAt = new Map<string, number>();
  return (error) => {
    const { syscall } = error as NodeJS.ErrnoException;
    const text = syscall === undefined ? (error.stack ?? error.message) : error.message;
    const now = performance.now();
    for (const [old, at] of reportedAt) if (now - at >= SAME_ERROR_MS) reportedAt.delete(old);
    if (reportedAt.has(text)) return;
    reportedAt.set(text, now);
    log(text);
  };
}

/**
 * Keeps the process running after an uncaught exception or unhandled rejection, because a dashboard serves
 * other requests, too. Restores the default behaviour when disposed of.
 */
export function survive(onError: (error: Error) => void): Disposable {
  const handle = (error: unknown): void => onError(error instanceof Error ? error : new Error(String(error)));
  const events = ["uncaughtException", "unhandledRejection"] as const;
  for (const event of events) process.on(event, handle);
  return {
    [Symbol.dispose]() {
      for (const event of events) process.off(event, handle);
    },
  };
}
