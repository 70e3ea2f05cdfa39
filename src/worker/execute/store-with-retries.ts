const STORE_TIMEOUT_MS = 3600_000;

/**
 * Calls a function that stores results, which retries until its signal is aborted. Limits that to an hour, so
 * that a slot does not wait indefinitely for an unreachable store.
 * @throws when the hour has passed, or the reason of `abandoned`.
 */
export async function storeWithRetries<T>(
  abandoned: AbortSignal,
  store: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(STORE_TIMEOUT_MS);
  try {
    return await store(AbortSignal.any([abandoned, timeout]));
  } catch (error) {
    if (!timeout.aborted || abandoned.aborted) throw error;
    throw new Error("its results could not be stored within an hour", { cause: error });
  }
}
