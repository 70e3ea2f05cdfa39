import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { errorCode } from "../errors.ts";

/** A file up to this size is read at once. */
const SMALL_BYTES = 1 << 18;

/**
 * SHA-256 of a file; of a symbolic link its target's name is hashed, as git does. Anything else has none, an empty text:
 * it is not opened, because opening a FIFO waits for somebody at its other end. Neither has a file that somebody has
 * removed meanwhile.
 */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    const stats = lstatSync(file);
    if (stats.isSymbolicLink()) return hash.update(readlinkSync(file)).digest("hex");
    if (!stats.isFile()) return "";
    if (stats.size <= SMALL_BYTES) return hash.update(readFileSync(file)).digest("hex");
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
    return hash.digest("hex");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}
