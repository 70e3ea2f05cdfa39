import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import { moveFiles, statIfThere } from "../system/files.ts";
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
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { recursive: true });
      await moveFiles(tree, partial, files);
      await rm(place(name), { recursive: true, force: true });
      await rename(partial, place(name));
      return undefined;
    },
    open: (name) => Promise.resolve(place(name)),
    async remove(name) {
      await rm(place(name), { recursive: true, force: true });
      await removeIfEmpty(path.dirname(place(name)));
    },
    async removeAll(job) {
      await rm(place(job), { recursive: true, force: true });
    },
    async removeOlderThan(ageMs) {
      const results = await resultsOlderThan(directory, Date.now() - ageMs);
      for (const result of results) await rm(result, { recursive: true, force: true });
      for (const result of results) await removeIfEmpty(path.dirname(result));
      return results.length;
    },
    freeShare: () => Promise.resolve(undefined), // it is the user's own disk
  };
}

/** `<job>/<attempt>`, whole or not, by the time when it was last touched. */
async function resultsOlderThan(directory: string, before: number): Promise<string[]> {
  const old: string[] = [];
  for (const job of await readFolder(directory)) {
    for (const attempt of await readFolder(path.join(directory, job))) {
      const place = path.join(directory, job, attempt);
      const stats = await statIfThere(place);
      if (stats !== undefined && Number(stats.ctimeMs) < before) old.push(place);
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
