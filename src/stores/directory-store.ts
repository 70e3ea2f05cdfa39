import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import { checkFolder } from "../system/check-folder.ts";
import { moveFiles, statIfThere } from "../system/files.ts";
import { removeTree } from "../system/remove-tree.ts";
import type { ResultStore } from "./store.ts";

const PARTIAL = ".partial";

/**
 * Results as plain files on this machine: they are moved, so that a second copy never exists.
 * Used by the local target, where runner and client see the same file system.
 */
export function openDirectoryStore(directory: string): ResultStore {
  const place = (name: string): string => path.join(directory, name);
  return {
    async put(name, tree, files, signal) {
      signal?.throwIfAborted();
      const partial = place(name) + PARTIAL;
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial, { recursive: true });
      await moveFiles(tree, partial, files);
      rmSync(place(name), { recursive: true, force: true });
      renameSync(partial, place(name));
      return undefined;
    },
    open: (name) => Promise.resolve(place(name)),
    async remove(name) {
      await removeTree(place(name));
      await removeIfEmpty(path.dirname(place(name)));
    },
    async removeAll(job) {
      if (!(await removeEmptyFolders(place(job)))) await removeTree(place(job));
    },
    async removeOlderThan(ageMs) {
      const results = await resultsOlderThan(directory, Date.now() - ageMs);
      for (const result of results) await removeTree(result);
      for (const result of results) await removeIfEmpty(path.dirname(result));
      return results.length;
    },
    check: () => checkFolder(directory),
    freeShare: () => Promise.resolve(undefined), // it is the user's own disk
  };
}

/**
 * Removes a folder that has nothing but empty folders: what has been collected has moved. Removing one may wait for
 * the disk, for more than what else is done for a run; so that is not done at once.
 * @returns false where something else is in it.
 */
async function removeEmptyFolders(folder: string): Promise<boolean> {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : undefined;
  if (entries === undefined) return true;
  for (const entry of entries)
    if (!entry.isDirectory() || !(await removeEmptyFolders(path.join(folder, entry.name)))) return false;
  await removeIfEmpty(folder);
  return true;
}

/** `<job>/<attempt>`, whole or not, by the time when it was last touched. */
async function resultsOlderThan(directory: string, before: number): Promise<string[]> {
  const old: string[] = [];
  for (const job of await readFolder(directory)) {
    for (const attempt of await readFolder(path.join(directory, job))) {
      const place = path.join(directory, job, attempt);
      const stats = await statIfThere(place);
      if (stats !== undefined && stats.ctimeMs < before) old.push(place);
    }
  }
  return old;
}

async function readFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) throw error;
  }
}
