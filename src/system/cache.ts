import { readdir, rename, utimes } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import { removeTree } from "./remove-tree.ts";
import { isTemporary, lstatIfExists, temporaryName } from "./files.ts";

/** A folder whose content can be downloaded or built again. */
export interface Cached {
  folder: string;
  /** When it was last used, as noted by `markUsed`. */
  usedAtMs: number;
  remove: () => Promise<void>;
}

/**
 * Notes that a cached folder is in use by setting the modification time of a file that every such folder contains.
 * @returns false if the file does not exist.
 */
export async function markUsed(file: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(file, now, now);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/**
 * Returns the complete folders in a directory: those that contain the mark.
 * @param mark name of the file whose time `markUsed` sets.
 */
export async function cachedFolders(directory: string, mark: string): Promise<Cached[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  const found = await Promise.all(
    names
      .filter((name) => !isTemporary(name))
      .map(async (name) => {
        const folder = path.join(directory, name);
        const stats = await lstatIfExists(path.join(folder, mark));
        return stats && { folder, usedAtMs: stats.mtimeMs, remove: () => removeFolder(folder) };
      }),
  );
  return found.filter((each) => each !== undefined);
}

/** Removes a folder so that no other process sees a part of it. A folder that does not exist is not an error. */
export async function removeFolder(folder: string): Promise<void> {
  const aside = temporaryName(folder);
  try {
    await rename(folder, aside);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error; // another process has removed it
  }
  await removeTree(aside);
}
