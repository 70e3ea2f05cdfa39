import type { Cached } from "../../system/cache.ts";
import { diskIsLow } from "../../system/disk.ts";

/** Something that keeps what can be had again. */
export interface Cache {
  cached(): Promise<Cached[]>;
}

/** What was used so shortly ago may be in use. */
const IN_USE_MS = 10 * 60_000;

/**
 * Removes what can be had again, the longest unused first, as long as the disk of a directory has little room.
 * @param caches that lie on this disk.
 * @param isLow whether there is little.
 * @returns how many things were removed.
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
