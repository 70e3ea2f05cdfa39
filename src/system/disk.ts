import { statfsSync } from "node:fs";

/** Less than this is nothing: what writes there fails, or has failed. */
const FULL_BYTES = 1 << 20;

/** Whether the disk that holds a directory takes no more data. */
export function diskIsFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < FULL_BYTES;
}
