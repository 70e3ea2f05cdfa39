import { readdir, rename, utimes } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import { removeTree } from "./remove-tree.ts";
import { isTemporary, statIfThere, temporaryName } from "./files.ts";

/** A folder whose content can be had again from elsewhere. */
export interface Cached {
  folder: string;
  /** When it was last used; `markUsed` says so. */
  usedAtMs: number;
  remove: () => Promise<void>;
}

/**
 * Notes that something cached is in use, by the time of a file that is always there.
 * @returns false where it is not there (any more).
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
 * The folders of a directory that are whole.
 * @param mark name of the file in each that `markUsed` is called with.
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
        const stats = await statIfThere(path.join(folder, mark));
        return stats && { folder, usedAtMs: stats.mtimeMs, remove: () => removeFolder(folder) };
      }),
  );
  return found.filter((each) => each !== undefined);
}

/** Removes a folder so that nobody finds a part of it. One that is not there is no error. */
export async function removeFolder(folder: string): Promise<void> {
  const aside = temporaryName(folder);
  try {
    await rename(folder, aside);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error; // another process was faster
  }
  await removeTree(aside);
}
