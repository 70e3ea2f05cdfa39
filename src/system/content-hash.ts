import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { errorCode } from "../errors.ts";
import { sha256 } from "../short-hash.ts";

/** A file up to this size is read synchronously. */
const SMALL_BYTES = 1 << 18;

/**
 * Returns the SHA-256 of a file's content, in hexadecimal; for a symbolic link, that of its target path, as git does.
 * Returns an empty string if the file no longer exists or is of another type, which is not opened: opening a FIFO
 * blocks until another process opens its other end.
 */
export async function hashOf(file: string): Promise<string> {
  try {
    const stats = lstatSync(file);
    if (stats.isSymbolicLink()) return sha256(readlinkSync(file));
    if (!stats.isFile()) return "";
    if (stats.size <= SMALL_BYTES) return sha256(readFileSync(file));
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
    return hash.digest("hex");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}
