import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import type { ResultFile, StoredFile } from "../model/result.ts";
import { checkFolder } from "../system/check-folder.ts";
import { hashOf } from "../system/content-hash.ts";
import { hasStamp, laterTime, withStamp } from "../system/file-stamp.ts";
import { moveFiles, lstatIfExists } from "../system/files.ts";
import { removeTree } from "../system/remove-tree.ts";
import { DamagedArchive, type ResultStore } from "./store.ts";

const PARTIAL = ".partial";
/** What is hashed in the time that a stamp takes. */
const LEAST_STAMPED_BYTES = 4 << 20;

/**
 * Opens a store of results as plain files on this machine. Files are moved, so that a second copy never exists.
 * Used for local swarms, where runner and client share a file system.
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
      const time = await stampTime(partial, files);
      const stored: StoredFile[] = [];
      for (const file of files) stored.push(await describe(partial, file, time));
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
    freeShare: () => Promise.resolve(undefined), // the user's own disk
  };
}

/** Returns the time for stamps of files; undefined if they are so small that hashing them again takes no longer. */
async function stampTime(folder: string, files: readonly string[]): Promise<bigint | undefined> {
  const bytes = files.reduce((sum, file) => sum + lstatSync(path.join(folder, file)).size, 0);
  return bytes < LEAST_STAMPED_BYTES ? undefined : await laterTime(folder, files);
}

async function describe(folder: string, file: string, time: bigint | undefined): Promise<StoredFile> {
  const place = path.join(folder, file);
  const { result: sha256, stamp } = await withStamp(place, time, () => hashOf(place));
  return { path: file, sizeBytes: lstatSync(place).size, sha256, ...(stamp !== undefined && { stamp }) };
}

/**
 * Checks a stored file, which another program or a loss of power may have changed. A missing file is accepted: a client
 * that was killed while collecting may have moved it.
 * @throws {DamagedArchive} if the file is not what was stored.
 */
async function check(folder: string, { path: file, sizeBytes, sha256, stamp }: ResultFile): Promise<void> {
  const place = path.join(folder, file);
  const stats = await lstatIfExists(place);
  if (stats === undefined) return;
  if (stats.size !== sizeBytes)
    throw new DamagedArchive(
      `its result file ${path.basename(file)} is damaged: ${stats.size} of ${sizeBytes} bytes`,
    );
  if (stamp !== undefined && hasStamp(place, stamp)) return;
  if (sha256 !== undefined && (await hashOf(place)) !== sha256)
    throw new DamagedArchive(`its result file ${path.basename(file)} is damaged: its content has changed`);
}

/**
 * Removes a folder that contains only empty folders, because its files have been collected. Asynchronous, because
 * removing a folder may wait for the disk longer than all other work for a run.
 * @returns false if the folder contains anything else.
 */
async function removeEmptyFolders(folder: string): Promise<boolean> {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : undefined;
  if (entries === undefined) return true;
  for (const entry of entries)
    if (!entry.isDirectory() || !(await removeEmptyFolders(path.join(folder, entry.name)))) return false;
  await removeIfEmpty(folder);
  return true;
}

/** Returns the folders `<job>/<attempt>`, complete or not, that were last changed before a time in ms since 1970. */
async function resultsOlderThan(directory: string, before: number): Promise<string[]> {
  const old: string[] = [];
  for (const job of await readFolder(directory)) {
    for (const attempt of await readFolder(path.join(directory, job))) {
      const place = path.join(directory, job, attempt);
      const stats = await lstatIfExists(place);
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
