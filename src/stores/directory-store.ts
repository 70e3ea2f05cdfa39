import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import type { ResultFile, StoredFile } from "../model/result.ts";
import { checkFolder } from "../system/check-folder.ts";
import { hashOf } from "../system/content-hash.ts";
import { moveFiles, statIfThere } from "../system/files.ts";
import { removeTree } from "../system/remove-tree.ts";
import { DamagedArchive, type ResultStore } from "./store.ts";

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
      const stored: StoredFile[] = [];
      for (const file of files) stored.push(await describe(partial, file));
      rmSync(place(name), { recursive: true, force: true });
      renameSync(partial, place(name));
      return stored;
    },
    async open(name, files) {
      for (const file of files) await check(place(name), file);
      return place(name);
    },
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

async function describe(folder: string, file: string): Promise<StoredFile> {
  const place = path.join(folder, file);
  return { path: file, sizeBytes: lstatSync(place).size, sha256: await hashOf(place) };
}

/**
 * Something may have written to a file that lies here, or the disk may have damaged it. One that is missing may have been
 * collected by a process that was ended then.
 * @throws {DamagedArchive} if a file is not what was stored.
 */
async function check(folder: string, { path: file, sizeBytes, sha256 }: ResultFile): Promise<void> {
  const place = path.join(folder, file);
  const there = await statIfThere(place);
  if (there === undefined) return;
  if (there.size !== sizeBytes)
    throw new DamagedArchive(
      `its result file ${path.basename(file)} is damaged: ${there.size} of ${sizeBytes} bytes`,
    );
  if (sha256 !== undefined && (await hashOf(place)) !== sha256)
    throw new DamagedArchive(`its result file ${path.basename(file)} is damaged: its content has changed`);
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
