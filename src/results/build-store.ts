import { constants } from "node:fs";
import { copyFile, mkdir, readdir, realpath, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { BuildManifestSchema, type BuildManifest } from "../model/build.ts";
import { cachedFolders, markUsed, type Cached } from "../system/cache.ts";
import {
  linkOrCopy,
  removeLeftovers,
  statIfThere,
  temporaryName,
  writeFileAtomically,
} from "../system/files.ts";
import { readJson } from "../system/json.ts";

/** The binaries of builds, by build key. A build is there whole or not at all, and never changes. */
export interface BuildStore {
  find(key: string): Promise<BuildManifest | undefined>;
  /** Keeps the products named by the manifest, which lie below `tree`. An existing build stays as it is. */
  put(key: string, tree: string, manifest: BuildManifest): Promise<void>;
  /** Puts the products into a working tree. */
  linkInto(key: string, manifest: BuildManifest, tree: string): Promise<void>;
  /** Where the log of a build lies; the file need not exist. */
  logFile(key: string): string;
  /** Removes builds that nobody has asked for so long, and old logs. @returns how many builds. */
  removeOlderThan(ageMs: number): Promise<number>;
  /** Copies on this machine of builds that can be fetched again. */
  cached(): Promise<Cached[]>;
}

/** Builds in a directory of this machine. */
export interface BuildDirectory extends BuildStore {
  /** Notes that a build is in use. @returns false where it is not there. */
  use(key: string): Promise<boolean>;
  /** All of them, as what a cache holds. */
  all(): Promise<Cached[]>;
}

const MANIFEST = "manifest.json";
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

  return {
    find,
    use,
    all,
    logFile: (key) => path.join(directory, `${key}${LOG}`),
    async put(key, tree, manifest) {
      if (await find(key)) return;
      await mkdir(directory, { recursive: true });
      await removeLeftovers(directory);
      const partial = temporaryName(place(key));
      try {
        await provide(tree, path.join(partial, "files"), manifest);
        await mkdir(partial, { recursive: true });
        await writeFileAtomically(path.join(partial, MANIFEST), JSON.stringify(manifest));
        await rename(partial, place(key));
      } catch (error) {
        await rm(partial, { recursive: true, force: true });
        if (!(await find(key))) throw error; // else somebody else was faster with the same build
      }
    },
    async linkInto(key, manifest, tree) {
      await use(key);
      await provide(path.dirname(product(key, "x")), tree, manifest);
    },
    async removeOlderThan(ageMs) {
      const old = (await all()).filter(({ usedAtMs }) => Date.now() - usedAtMs > ageMs);
      for (const build of old) await build.remove();
      await removeOldLogs(directory, ageMs);
      return old.length;
    },
    cached: () => Promise.resolve([]), // there is no other copy
  };
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

/** Products are linked. Data are copied: a run may change them, which is no concern of the others. */
async function provide(from: string, to: string, { products, data = [] }: BuildManifest): Promise<void> {
  const place = async (
    file: string,
    put: (source: string, target: string) => Promise<void>,
  ): Promise<void> => {
    const target = path.join(to, file);
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { force: true });
    await put(await realpath(path.join(from, file)), target); // older Makefiles link to what is in `out`
  };
  for (const file of products) await place(file, linkOrCopy);
  for (const file of data)
    await place(file, async (source, target) => {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      const { atime, mtime } = await stat(source);
      await utimes(target, atime, mtime);
    });
}
