import { constants, existsSync, lstatSync } from "node:fs";
import { copyFile, mkdir, readdir, realpath, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { errorCode, UserError } from "../errors.ts";
import { BuildManifestSchema, type BuildManifest } from "../model/build.ts";
import { cachedFolders, markUsed, removeFolder, type Cached } from "../system/cache.ts";
import {
  linkOrCopy,
  removeLeftovers,
  statIfThere,
  temporaryName,
  writeFileAtomically,
} from "../system/files.ts";
import { readJson } from "../system/json.ts";
import { removeTree } from "../system/remove-tree.ts";

/** The binaries of builds, by build key. A build is there whole or not at all, and never changes. */
export interface BuildStore {
  /** @param signal ends the waiting for a store that does not answer. */
  find(key: string, signal?: AbortSignal): Promise<BuildManifest | undefined>;
  /** Keeps the products named by the manifest, which lie below `tree`. An existing build stays as it is. */
  put(key: string, tree: string, manifest: BuildManifest, options?: LinkOptions): Promise<void>;
  /**
   * Puts the products into a working tree.
   * @throws {MissingBuild} where they are not there, or were changed since they were stored.
   */
  linkInto(key: string, manifest: BuildManifest, tree: string, options?: LinkOptions): Promise<void>;
  /** Removes this machine's copy of a build if its products were changed: a program may write through a hard link. */
  dropChanged(key: string): Promise<void>;
  /** Where the log of a build lies; the file need not exist. */
  logFile(key: string): string;
  /** Removes builds that nobody has asked for so long, and old logs. @returns how many builds. */
  removeOlderThan(ageMs: number): Promise<number>;
  /** Copies on this machine of builds that can be fetched again. */
  cached(): Promise<Cached[]>;
}

export interface LinkOptions {
  /** Products are copied. Otherwise both places share them where that is possible, and what is written to one is in both. */
  copies?: boolean;
  /** Ends the waiting for a store that does not answer. */
  signal?: AbortSignal | undefined;
}

/** Builds in a directory of this machine. */
export interface BuildDirectory extends BuildStore {
  /** Notes that a build is in use. @returns false where it is not there. */
  use(key: string): Promise<boolean>;
  /** All of them, as what a cache holds. */
  all(): Promise<Cached[]>;
}

/** The store does not have a build, or not any more. It can be made again. */
export class MissingBuild extends UserError {
  override name = "MissingBuild";
  readonly key: string;

  /** @param reason what became of it, where that is known. */
  constructor(key: string, { project, reason }: { project?: string; reason?: string } = {}) {
    const what = project === undefined ? `build ${key}` : `build ${key} of ${project}`;
    super(`${what} ${reason ?? "no longer exists"}`, { hint: "run the command again" });
    this.key = key;
  }
}

const MANIFEST = "manifest.json";
/** What the products were when they were stored. */
const STAMPS = "stamps.json";
const StampsSchema = v.record(v.string(), v.string());
const LOG = ".log";

/**
 * Builds as directories on this machine. Products are hard links where that works: the linker of a later
 * build makes a new file, so that a kept build and the runs that use it are not disturbed.
 */
export function openBuildDirectory(directory: string): BuildDirectory {
  const place = (key: string): string => path.join(directory, key);
  const product = (key: string, file: string): string => path.join(place(key), "files", file);

  const find = (key: string): Promise<BuildManifest | undefined> =>
    readJson(path.join(place(key), MANIFEST), BuildManifestSchema);

  const use = (key: string): Promise<boolean> => markUsed(path.join(place(key), MANIFEST));
  const all = (): Promise<Cached[]> => cachedFolders(directory, MANIFEST);

  const dropChanged = async (key: string): Promise<void> => {
    const manifest = await find(key);
    if (manifest === undefined) return;
    const stamps = await readJson(path.join(place(key), STAMPS), StampsSchema);
    const now = stampsOf(path.join(place(key), "files"), manifest);
    const isWhole = manifest.products.every(
      (file) => now[file] !== undefined && now[file] === (stamps?.[file] ?? now[file]),
    );
    if (!isWhole) await removeFolder(place(key));
  };

  return {
    find,
    use,
    all,
    logFile: (key) => path.join(directory, `${key}${LOG}`),
    async put(key, tree, manifest, options) {
      if (await find(key)) return;
      await mkdir(directory, { recursive: true });
      await removeLeftovers(directory);
      const partial = temporaryName(place(key));
      try {
        const files = path.join(partial, "files");
        await provide(tree, files, manifest, options);
        await mkdir(partial, { recursive: true });
        await writeFileAtomically(path.join(partial, STAMPS), JSON.stringify(stampsOf(files, manifest)));
        await writeFileAtomically(path.join(partial, MANIFEST), JSON.stringify(manifest));
        await rename(partial, place(key));
      } catch (error) {
        await removeTree(partial);
        if (!(await find(key))) throw error; // else somebody else was faster with the same build
      }
    },
    async linkInto(key, manifest, tree, options) {
      await dropChanged(key);
      if (!(await use(key))) throw new MissingBuild(key);
      try {
        await provide(path.dirname(product(key, "x")), tree, manifest, options);
      } catch (error) {
        if (errorCode(error) !== "ENOENT" || existsSync(place(key))) throw error;
        throw new MissingBuild(key); // it was removed in the meantime
      }
    },
    dropChanged,
    async removeOlderThan(ageMs) {
      const old = (await all()).filter(({ usedAtMs }) => Date.now() - usedAtMs > ageMs);
      for (const build of old) await build.remove();
      await removeOldLogs(directory, ageMs);
      return old.length;
    },
    cached: () => Promise.resolve([]), // there is no other copy
  };
}

async function copy(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  const { atime, mtime } = await stat(source);
  await utimes(target, atime, mtime);
}

async function removeOldLogs(directory: string, ageMs: number): Promise<void> {
  if (!(await statIfThere(directory))) return;
  for (const name of await readdir(directory)) {
    if (!name.endsWith(LOG)) continue;
    const file = path.join(directory, name);
    const changedAt = (await statIfThere(file))?.mtimeMs ?? Infinity;
    if (Date.now() - changedAt > ageMs) await rm(file, { force: true });
  }
}

/** A text for each product that changes when the file is written; not its change time, which linking changes, too. */
function stampsOf(directory: string, { products }: BuildManifest): Record<string, string> {
  const stamps = products.flatMap((file) => {
    const stats = lstatSync(path.join(directory, file), { throwIfNoEntry: false });
    return stats === undefined ? [] : [[file, `${stats.size} ${stats.mtimeMs} ${stats.mode}`] as const];
  });
  return Object.fromEntries(stamps);
}

/** Products are linked. Data are copied: a run may change them, which is no concern of the others. */
async function provide(
  from: string,
  to: string,
  { products, data = [] }: BuildManifest,
  { copies = false }: LinkOptions = {},
): Promise<void> {
  const place = async (
    file: string,
    put: (source: string, target: string) => Promise<void>,
  ): Promise<void> => {
    const target = path.join(to, file);
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { force: true });
    await put(await realpath(path.join(from, file)), target); // older Makefiles link to what is in `out`
  };
  for (const file of products) await place(file, copies ? copy : linkOrCopy);
  for (const file of data) await place(file, copy);
}
