import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { errorCode } from "../errors.ts";
import { sha256 } from "../short-hash.ts";

/** A file up to this size is read synchronously. */
const SMALL_BYTES = 1 << 18;
const BLOCK_BYTES = 1 << 20;

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
    return await hashOfLarge(file);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}

async function hashOfLarge(file: string): Promise<string> {
  await using handle = await open(file);
  return await hashOfOpen(handle);
}

/**
 * Returns the SHA-256 of an open file's whole content, in hexadecimal. Reads all blocks into one buffer: a stream allocates
 * one for each, which costs as much time as reading.
 */
export async function hashOfOpen(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, at);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(block.subarray(0, bytesRead));
    at += bytesRead;
  }
}
