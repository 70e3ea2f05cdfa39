import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { errorCode } from "../errors.ts";
import { sha256 } from "../short-hash.ts";

/** A file up to this size is read at once. */
const SMALL_BYTES = 1 << 18;

/**
 * SHA-256 of a file; of a symbolic link its target's name is hashed, as git does. Anything else has none, an empty text:
 * it is not opened, because opening a FIFO waits for somebody at its other end. Neither has a file that somebody has
 * removed meanwhile.
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
