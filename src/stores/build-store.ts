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
  lstatIfExists,
  temporaryName,
  writeFileAtomically,
} from "../system/files.ts";
import { readJson } from "../system/json.ts";
import { removeTree } from "../system/remove-tree.ts";

/** The binaries of builds, by build key. A build is stored completely or not at all, and never changes. */
export interface BuildStore {
  /**
   * Returns the manifest of a stored build, or undefined.
   * @param signal stops waiting for a store that does not answer.
   */
  find(key: string, signal?: AbortSignal): Promise<BuildManifest | undefined>;
  /** Stores the products named by the manifest, which are located in `tree`. An existing build is not changed. */
  put(key: string, tree: string, manifest: BuildManifest, options?: LinkOptions): Promise<void>;
  /**
   * Links or copies the products into a working tree.
   * @throws {MissingBuild} if they are not stored, or were changed since they were stored.
   */
  linkInto(key: string, manifest: BuildManifest, tree: string, options?: LinkOptions): Promise<void>;
  /** Removes this machine's copy of a build if its products were changed, as a program can do through a hard link. */
  dropChanged(key: string): Promise<void>;
  /** Returns the path of a build's log; the file need not exist. */
  logFile(key: string): string;
  /** Removes builds that have not been used for `ageMs`, and old logs. @returns the number of removed builds. */
  removeOlderThan(ageMs: number): Promise<number>;
  /** Returns the copies on this machine of builds that can be downloaded again. */
  cached(): Promise<Cached[]>;
}

/** How to store or provide products. */
export interface LinkOptions {
  /** Copies the products. By default, they are hard links if possible, so that writing to one changes the other, too. */
  copies?: boolean;
  /** Stops waiting for a store that does not answer. */
  signal?: AbortSignal | undefined;
}

/** Builds in a directory of this machine. */
export interface BuildDirectory extends BuildStore {
  /** Notes that a build is in use. @returns false if it is not stored. */
  use(key: string): Promise<boolean>;
  /** Returns all builds as cached folders. */
  all(): Promise<Cached[]>;
}

/** A build is not, or no longer, in the store. It can be built again. */
export class MissingBuild extends UserError {
  override name = "MissingBuild";
  readonly key: string;

  /** @param reason why the build is missing (default: it no longer exists). */
  constructor(key: string, { project, reason }: { project?: string; reason?: string } = {}) {
    const what = project === undefined ? `build ${key}` : `build ${key} of ${project}`;
    super(`${what} ${reason ?? "no longer exists"}`, { hint: "run the command again" });
    this.key = key;
  }
}

const MANIFEST = "manifest.json";
/** Records size, time and mode of the products when they were stored. */
const STAMPS = "stamps.json";
const StampsSchema = v.record(v.string(), v.string());
const LOG = ".log";

/**
 * Opens a store of builds in a directory of this machine. Products are hard links if possible: the linker of a later
 * build creates a new file, so that a stored build and the runs that use it do not change.
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
        if (!(await find(key))) throw error; // otherwise, another process has stored the same build
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
  if (!(await lstatIfExists(directory))) return;
  for (const name of await readdir(directory)) {
    if (!name.endsWith(LOG)) continue;
    const file = path.join(directory, name);
    const changedAt = (await lstatIfExists(file))?.mtimeMs ?? Infinity;
    if (Date.now() - changedAt > ageMs) await rm(file, { force: true });
  }
}

/** Returns a text for each product that changes when the file is written. Linking a file also changes its ctime. */
function stampsOf(directory: string, { products }: BuildManifest): Record<string, string> {
  const stamps = products.flatMap((file) => {
    const stats = lstatSync(path.join(directory, file), { throwIfNoEntry: false });
    return stats === undefined ? [] : [[file, `${stats.size} ${stats.mtimeMs} ${stats.mode}`] as const];
  });
  return Object.fromEntries(stamps);
}

/** Links the products; copies data files, because a run may change them without affecting other runs. */
async function provide(
  from: string,
  to: string,
  { products, data = [] }: BuildManifest,
  { copies = false }: LinkOptions = {},
): Promise<void> {
  const provideFile = async (
    file: string,
    put: (source: string, target: string) => Promise<void>,
  ): Promise<void> => {
    const target = path.join(to, file);
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { force: true });
    await put(await realpath(path.join(from, file)), target); // older Makefiles create symbolic links to files in `out`
  };
  for (const file of products) await provideFile(file, copies ? copy : linkOrCopy);
  for (const file of data) await provideFile(file, copy);
}
