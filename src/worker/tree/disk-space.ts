import { isNearlyFull, NEARLY_FULL, type ResultStore } from "../../stores/store.ts";
import { diskHasSpace } from "../../system/disk.ts";
import { attempts } from "../../system/poll.ts";
import { freeDiskSpace, type Cache } from "./free-disk-space.ts";

const CHECK_INTERVAL_MS = 15_000;

/** Keeps a runner from starting runs without enough free disk space. */
export interface DiskSpace {
  /** Waits until a run may start or the signal is aborted. */
  mayStart: () => Promise<void>;
  /**
   * Records that a run met a full disk in the directory of the working trees. No run starts until there is
   * free space.
   */
  diskWasFull: () => void;
}

interface DiskSpaceOptions {
  results: ResultStore;
  /** Contains the working trees. */
  directory: string;
  signal: AbortSignal;
  onError: (error: Error) => void;
  /** Caches whose content is removed when the disk is full. */
  caches?: readonly Cache[];
}

/**
 * Delays new runs while there is little free space for their results, or none for their working trees. Checks
 * the store occasionally and concurrently with the runs, so that the check does not delay the next run.
 */
export function watchDiskSpace(
  { results, directory, signal, onError, caches = [] }: DiskSpaceOptions,
  checkIntervalMs = CHECK_INTERVAL_MS,
): DiskSpace {
  let checkedAt = -Infinity;
  let storeFull = false;
  let diskFull = false;
  let checking: Promise<void> | undefined;
  const check = async (): Promise<void> => {
    try {
      const now = await isNearlyFull(results);
      if (now && !storeFull) onError(new Error(NEARLY_FULL));
      storeFull = now;
      if (diskFull) await freeDiskSpace(directory, caches);
      if (diskFull) diskFull = !diskHasSpace(directory);
    } catch (error) {
      if (!signal.aborted) onError(error as Error);
    }
    checkedAt = performance.now();
  };
  const checkOccasionally = (): void => {
    if (checking !== undefined || performance.now() - checkedAt < checkIntervalMs) return;
    checking = check().finally(() => (checking = undefined));
  };
  return {
    async mayStart() {
      if (diskFull) await check();
      else checkOccasionally();
      const nextCheck = attempts({ everyMs: checkIntervalMs, signal, onAbort: "stop" });
      while (storeFull || diskFull) {
        if (!(await nextCheck())) return; // the runner ends
        await check();
      }
    },
    diskWasFull: () => (diskFull = true),
  };
}
