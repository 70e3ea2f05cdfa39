import { isNearlyFull, NEARLY_FULL, type ResultStore } from "../../stores/store.ts";
import { diskHasSpace } from "../../system/disk.ts";
import { attempts } from "../../system/poll.ts";
import { freeDiskSpace, type Cache } from "./free-disk-space.ts";

const LOOK_AGAIN_MS = 15_000;

/** Whether a runner has room for another run. */
export interface DiskSpace {
  /** Returns when a run may be begun, or when the runner ends. */
  mayStart: () => Promise<void>;
  /** A run has met a full disk in the directory where runs are made: none is begun until there is room. */
  diskWasFull: () => void;
}

/** What is looked at, and what is told of it. */
interface DiskSpaceOptions {
  results: ResultStore;
  /** Where working trees are made. */
  directory: string;
  signal: AbortSignal;
  onError: (error: Error) => void;
  /** What may be removed when the disk is full. */
  caches?: readonly Cache[];
}

/**
 * Holds a runner back from new runs while there is little room for their results, or none to make them in. The
 * store is looked at now and then, beside the runs, so that the pause between two of them does not grow.
 */
export function watchDiskSpace(
  { results, directory, signal, onError, caches = [] }: DiskSpaceOptions,
  lookAgainMs = LOOK_AGAIN_MS,
): DiskSpace {
  let lookedAt = -Infinity;
  let storeFull = false;
  let diskFull = false;
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    try {
      const now = await isNearlyFull(results);
      if (now && !storeFull) onError(new Error(NEARLY_FULL));
      storeFull = now;
      if (diskFull) await freeDiskSpace(directory, caches);
      if (diskFull) diskFull = !diskHasSpace(directory);
    } catch (error) {
      if (!signal.aborted) onError(error as Error);
    }
    lookedAt = performance.now();
  };
  const lookNowAndThen = (): void => {
    if (looking !== undefined || performance.now() - lookedAt < lookAgainMs) return;
    looking = look().finally(() => (looking = undefined));
  };
  return {
    async mayStart() {
      if (diskFull) await look();
      else lookNowAndThen();
      const nextLook = attempts({ everyMs: lookAgainMs, signal, onAbort: "stop" });
      while (storeFull || diskFull) {
        if (!(await nextLook())) return; // the runner ends
        await look();
      }
    },
    diskWasFull: () => (diskFull = true),
  };
}
