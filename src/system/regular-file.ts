import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { errorCode } from "../errors.ts";

// Opening a FIFO blocks until another process opens its other end, and reading a device may never end. A process that
// reads files written by other programs must not be blocked by either.

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const MISSING_CODES = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV"];

/** Opens a file for reading; returns undefined if it does not exist or is not a regular file. */
export async function openRegularFile(file: string): Promise<FileHandle | undefined> {
  const handle = await open(file, FLAGS).catch(unlessMissing);
  if (handle === undefined) return undefined;
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

/** Returns the last bytes of a file and its size; undefined if it does not exist or is not a regular file. */
export async function endOfFile(
  file: string,
  mostBytes: number,
): Promise<{ end: Buffer; sizeBytes: number } | undefined> {
  await using handle = await openRegularFile(file);
  if (handle === undefined) return undefined;
  const { size: sizeBytes } = await handle.stat();
  const length = Math.min(sizeBytes, mostBytes);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, sizeBytes - length);
  return { end: buffer.subarray(0, bytesRead), sizeBytes };
}

/**
 * Returns the text of a file, synchronously; undefined if the file does not exist, is not a regular file, or is larger
 * than a limit.
 */
export function boundedText(file: string, mostBytes: number): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, FLAGS);
  } catch (error) {
    return unlessMissing(error);
  }
  try {
    const stats = fstatSync(descriptor);
    return stats.isFile() && stats.size <= mostBytes ? readFileSync(descriptor, "utf8") : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Returns what a file contains after an offset, and its properties, synchronously; undefined if the file does not exist,
 * is not a regular file, or contains more than a limit after the offset.
 */
export function boundedRest(
  file: string,
  from: (stats: Stats) => number,
  mostBytes: number,
): { content: Buffer; stats: Stats } | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, FLAGS);
  } catch (error) {
    return unlessMissing(error);
  }
  try {
    const stats = fstatSync(descriptor);
    const offset = from(stats);
    const length = Math.max(0, stats.size - offset);
    if (!stats.isFile() || length > mostBytes) return undefined;
    const content = Buffer.alloc(length);
    let read = 0;
    while (read < length) {
      const more = readSync(descriptor, content, read, length - read, offset + read);
      if (more === 0) break; // it has become shorter
      read += more;
    }
    return { content: content.subarray(0, read), stats };
  } finally {
    closeSync(descriptor);
  }
}

function unlessMissing(error: unknown): undefined {
  if (!MISSING_CODES.includes(errorCode(error) ?? "")) throw error;
  return undefined;
}
