import { statfsSync } from "node:fs";
import { errorCode, errorText, UserError } from "../errors.ts";

/** Less than this is nothing: what writes there fails, or has failed. */
const FULL_BYTES = 1 << 20;
/** Less than this, or than a tenth of a smaller disk, and what can be had again is given up. */
const LOW_BYTES = 10 * 2 ** 30;
/** So much makes it worth while to begin again, or a hundredth of a small disk. */
const ROOM_BYTES = 1 << 30;

/** Whether the disk that holds a directory takes no more data. */
export function diskIsFull(directory: string): boolean {
  return freeBytes(directory) < FULL_BYTES;
}

/** Whether the disk that holds a directory has room for work, after it was full. */
export function diskHasSpace(directory: string): boolean {
  const { blocks, bsize } = statfsSync(directory);
  return freeBytes(directory) >= Math.max(FULL_BYTES, Math.min(ROOM_BYTES, (blocks * bsize) / 100));
}

/** Whether the disk that holds a directory will soon be full. */
export function diskIsLow(directory: string): boolean {
  const { blocks, bsize } = statfsSync(directory);
  return freeBytes(directory) < Math.min(LOW_BYTES, (blocks * bsize) / 10);
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Work that was broken off for want of room; it can be done again when there is some. */
export class DiskFullError extends UserError {
  override name = "DiskFullError";
}

/** Whether it was for want of room that something failed, here or in a program that was called. */
export function isDiskFullError(error: unknown): boolean {
  if (error instanceof DiskFullError || ["ENOSPC", "EDQUOT"].includes(errorCode(error) ?? "")) return true;
  if (/No space left on device|Disk quota exceeded/.test(errorText(error))) return true;
  return error instanceof Error && error.cause !== undefined && isDiskFullError(error.cause);
}
