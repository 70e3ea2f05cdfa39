import { mkdir, rename, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import { moveFiles } from "../system/files.ts";
import type { ResultStore } from "./store.ts";

const PARTIAL = ".partial";

/**
 * Results as plain files on this machine: they are moved, so that a second copy never exists.
 * Used by the local target, where runner and client see the same file system.
 */
export function openDirectoryStore(directory: string): ResultStore {
  const place = (name: string): string => path.join(directory, name);
  return {
    async put(name, tree, files) {
      const partial = place(name) + PARTIAL;
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { recursive: true });
      await moveFiles(tree, partial, files);
      await rm(place(name), { recursive: true, force: true });
      await rename(partial, place(name));
    },
    open: (name) => Promise.resolve(place(name)),
    async remove(name) {
      await rm(place(name), { recursive: true, force: true });
      await removeIfEmpty(path.dirname(place(name)));
    },
    async removeAll(job) {
      await rm(place(job), { recursive: true, force: true });
    },
  };
}

async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) throw error;
  }
}
