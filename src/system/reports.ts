/** Calls a function that reports its progress by a callback, and yields each report. Returns its result. */
export async function* reports<T, R>(work: (report: (item: T) => void) => Promise<R>): AsyncGenerator<T, R> {
  const items: T[] = [];
  const progress = { isDone: false };
  let wake = (): void => undefined;
  const working = work((item) => {
    items.push(item);
    wake();
  });
  const ended = Promise.allSettled([working]).then(() => {
    progress.isDone = true;
    wake();
  });
  try {
    for (;;) {
      const next = items.splice(0, 1);
      if (next.length > 0) yield next[0]!;
      else if (progress.isDone) return await working;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    await ended;
  }
}
