import type { Cached } from "../../system/cache.ts";
import { diskIsLow } from "../../system/disk.ts";

/** A store whose entries can be created or fetched again. */
export interface Cache {
  /** Returns all entries that may be removed. */
  cached(): Promise<Cached[]>;
}

/** Age up to which an entry counts as in use. */
const IN_USE_MS = 10 * 60_000;

/**
 * Removes cache entries, least recently used first, while the disk of a directory has little free space.
 * @param caches caches on the same disk.
 * @param isLow returns whether a directory's disk has little free space.
 * @returns the number of removed entries.
 */
export async function freeDiskSpace(
  directory: string,
  caches: readonly Cache[],
  isLow: (directory: string) => boolean = diskIsLow,
): Promise<number> {
  if (!isLow(directory)) return 0;
  const found = (await Promise.all(caches.map((cache) => cache.cached()))).flat();
  const unused = found.filter(({ usedAtMs }) => Date.now() - usedAtMs >= IN_USE_MS);
  unused.sort((a, b) => a.usedAtMs - b.usedAtMs);
  let removed = 0;
  for (const each of unused) {
    if (!isLow(directory)) break;
    await each.remove();
    removed++;
  }
  return removed;
}
