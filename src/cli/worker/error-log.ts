const SAME_ERROR_MS = 60_000;

/** A server that is away makes the same errors again and again: each is told once a minute. */
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
 * Lets a process go on whatever a callback or a promise that nobody waits for has thrown: a dashboard serves others, too.
 * @returns what restores the default, to end.
 */
export function survive(onError: (error: Error) => void): Disposable {
  const note = (error: unknown): void => onError(error instanceof Error ? error : new Error(String(error)));
  const events = ["uncaughtException", "unhandledRejection"] as const;
  for (const event of events) process.on(event, note);
  return {
    [Symbol.dispose]() {
      for (const event of events) process.off(event, note);
    },
  };
}
