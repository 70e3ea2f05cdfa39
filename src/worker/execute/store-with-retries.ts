const PATIENCE_MS = 3600_000;

/** What a run has left is worth some waiting; but its slot and the run itself must not wait for a store for ever. */
export async function storeWithRetries<T>(
  abandoned: AbortSignal,
  store: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await store(AbortSignal.any([abandoned, late]));
  } catch (error) {
    if (!late.aborted || abandoned.aborted) throw error;
    throw new Error("its results could not be stored within an hour", { cause: error });
  }
}
