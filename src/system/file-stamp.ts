import { lstatSync, type BigIntStats } from "node:fs";

/**
 * File systems note times in steps of up to 10 ms (Linux at 100 Hz). A file that was changed less than this time before
 * it was read may change again without a later time.
 */
const STEP_NS = 20_000_000n;

/**
 * Calls a function that reads a file, and returns with its result a stamp of the file: as long as {@link hasStamp} finds
 * the stamp, the content is what the function has read. The stamp is undefined if the file has just been changed.
 */
export async function withStamp<T>(
  file: string,
  read: () => Promise<T>,
): Promise<{ result: T; stamp: string | undefined }> {
  const before = lstatSync(file, { bigint: true });
  const result = await read();
  const after = lstatSync(file, { bigint: true });
  const isSettled = BigInt(Date.now()) * 1_000_000n - after.ctimeNs > STEP_NS;
  const stamp = stampOf(before);
  return { result, stamp: isSettled && stamp === stampOf(after) ? stamp : undefined };
}

/** Returns whether a file is unchanged since it had a stamp. A moved or copied file has another one. */
export function hasStamp(file: string, stamp: string): boolean {
  const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return stats !== undefined && stampOf(stats) === stamp;
}

/** The kernel sets the change time with every change; programs cannot set it. */
function stampOf({ dev, ino, size, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, ctimeNs].map((number) => number.toString(36)).join("-");
}
