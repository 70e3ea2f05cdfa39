import { statfsSync } from "node:fs";
import { errorCode, errorText, UserError } from "../errors.ts";

/** With less free space than this, a disk counts as full. */
const FULL_BYTES = 1 << 20;
/** With less free space than this, or than a tenth of a smaller disk, caches are emptied. */
const LOW_BYTES = 10 * 2 ** 30;
/** Free space from which work resumes after the disk was full; on a smaller disk, a hundredth of it. */
const RESUME_BYTES = 1 << 30;

/** Returns whether the disk that holds a directory is full. */
export function diskIsFull(directory: string): boolean {
  return freeBytes(directory) < FULL_BYTES;
}

/** Returns whether the disk that holds a directory has enough free space to resume work after it was full. */
export function diskHasSpace(directory: string): boolean {
  const { blocks, bsize } = statfsSync(directory);
  return freeBytes(directory) >= Math.max(FULL_BYTES, Math.min(RESUME_BYTES, (blocks * bsize) / 100));
}

/** Returns whether the disk that holds a directory will soon be full. */
export function diskIsLow(directory: string): boolean {
  const { blocks, bsize } = statfsSync(directory);
  return freeBytes(directory) < Math.min(LOW_BYTES, (blocks * bsize) / 10);
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Work was interrupted because the disk is full; it can be retried when space is free. */
export class DiskFullError extends UserError {
  override name = "DiskFullError";
}

/** Returns whether an error was caused by a full disk or quota, in this process or in a program that it called. */
export function isDiskFullError(error: unknown): boolean {
  if (error instanceof DiskFullError || ["ENOSPC", "EDQUOT"].includes(errorCode(error) ?? "")) return true;
  if (/No space left on device|Disk quota exceeded/.test(errorText(error))) return true;
  return error instanceof Error && error.cause !== undefined && isDiskFullError(error.cause);
}
