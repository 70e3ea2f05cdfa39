import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { errorCode } from "../errors.ts";

// To open a FIFO waits for somebody at its other end, and to read a device may never end: neither must stop a process
// that shows what others have written.

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const NOT_THERE = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV"];

/** Opens a file to read it; undefined if there is none, or if it is no regular file. */
export async function openRegularFile(file: string): Promise<FileHandle | undefined> {
  const handle = await open(file, FLAGS).catch(unlessMissing);
  if (handle === undefined) return undefined;
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

/** Returns the last bytes of a file and its size; undefined if there is none, or if it is no regular file. */
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
 * Returns the text of a file, synchronously; undefined if there is none, if it is no regular file, or if it is larger than
 * a limit.
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

function unlessMissing(error: unknown): undefined {
  if (!NOT_THERE.includes(errorCode(error) ?? "")) throw error;
  return undefined;
}
