import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { BuildManifestSchema, type BuildManifest } from "../model/build.ts";
import { linkOrCopy, removeLeftovers, temporaryName, writeFileAtomically } from "../system/files.ts";
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
  /** Removes builds that nobody has asked for so long. @returns how many. */
  removeOlderThan(ageMs: number): Promise<number>;
}

const MANIFEST = "manifest.json";

/**
 * Builds as directories on this machine. Products are hard links where that works: the linker of a later
 * build makes a new file, so that a kept build and the runs that use it are not disturbed.
 */
export function openBuildDirectory(directory: string): BuildStore {
  const place = (key: string): string => path.join(directory, key);
  const product = (key: string, file: string): string => path.join(place(key), "files", file);

  const find = (key: string): Promise<BuildManifest | undefined> =>
    readJson(path.join(place(key), MANIFEST), BuildManifestSchema);

  return {
    find,
    logFile: (key) => path.join(directory, `${key}.log`),
    async put(key, tree, manifest) {
      if (await find(key)) return;
      await mkdir(directory, { recursive: true });
      await removeLeftovers(directory);
      const partial = temporaryName(place(key));
      try {
        await linkAll(tree, path.join(partial, "files"), manifest.products);
        await mkdir(partial, { recursive: true });
        await writeFileAtomically(path.join(partial, MANIFEST), JSON.stringify(manifest));
        await rename(partial, place(key));
      } catch (error) {
        await rm(partial, { recursive: true, force: true });
        if (!(await find(key))) throw error; // else somebody else was faster with the same build
      }
    },
    linkInto: (key, manifest, tree) => linkAll(path.dirname(product(key, "x")), tree, manifest.products),
    removeOlderThan: () => Promise.resolve(0), // they are small and go with the swarm
  };
}

async function linkAll(from: string, to: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const target = path.join(to, file);
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { force: true });
    await linkOrCopy(path.join(from, file), target);
  }
}
