import { lstatSync, utimesSync, type BigIntStats } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { thisHost } from "./host.ts";

/** Maximum lag of the clock from which file systems take timestamps: it advances only once per timer tick. */
export const CLOCK_GRAIN_MS = 50;
const PROBE_MS = 2;

/**
 * Waits until the clock of a file system is later than the last change of any of some files, which takes a few ms.
 * @param folder in which the files are; its own times are changed.
 * @param files paths relative to it.
 * @returns the time of that clock in ns: whoever changes one of the files from now on gives it this time or a later one.
 *   Undefined if the clock does not advance soon, because the file system notes times in seconds.
 */
export async function laterTime(folder: string, files: readonly string[]): Promise<bigint | undefined> {
  const changes = files.map((file) => statsOf(path.join(folder, file)).ctimeNs);
  const last = changes.reduce((latest, time) => (time > latest ? time : latest), 0n);
  for (
    const deadline = performance.now() + CLOCK_GRAIN_MS;
    performance.now() < deadline;
    await delay(PROBE_MS)
  ) {
    const now = new Date();
    utimesSync(folder, now, now);
    const time = statsOf(folder).ctimeNs;
    if (time > last) return time;
  }
  return undefined;
}

/**
 * Calls a function that reads a file, and returns with its result a stamp of the file: as long as {@link hasStamp} finds
 * the stamp, no program has written anything but what the function has read.
 * @param time of {@link laterTime}; the stamp is undefined if the file was changed since, or if this is undefined.
 */
export async function withStamp<T>(
  file: string,
  time: bigint | undefined,
  read: () => Promise<T>,
): Promise<{ result: T; stamp: string | undefined }> {
  const before = statsOf(file);
  const result = await read();
  const stamp = stampOf(statsOf(file));
  const isSettled = time !== undefined && before.ctimeNs < time && thisHost().boot !== "";
  return { result, stamp: isSettled && stampOf(before) === stamp ? stamp : undefined };
}

/**
 * Returns whether a file is unchanged since it had a stamp. A moved or copied file has another one, and so has every file
 * after the machine has been started again: what was written last may be lost then.
 */
export function hasStamp(file: string, stamp: string): boolean {
  const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return stats !== undefined && stampOf(stats) === stamp;
}

function statsOf(file: string): BigIntStats {
  return lstatSync(file, { bigint: true });
}

/** The kernel sets the change time whenever a program writes to a file; programs cannot set it. */
function stampOf({ dev, ino, size, ctimeNs }: BigIntStats): string {
  return [thisHost().boot, ...[dev, ino, size, ctimeNs].map((number) => number.toString(36))].join(" ");
}
