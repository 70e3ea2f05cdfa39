import { rm } from "node:fs/promises";
import path from "node:path";
import { errorText } from "../errors.ts";
import { BuildManifestSchema, filesOf, type BuildManifest } from "../model/build.ts";
import type { StoredFile } from "../model/result.ts";
import { removeLeftovers, temporaryName } from "../system/files.ts";
import { parseOrExplain } from "../system/json.ts";
import { unlessAborted } from "../system/unless-aborted.ts";
import { MissingBuild, openBuildDirectory, type BuildStore } from "./build-store.ts";
import { Archives } from "./gridfs.ts";
import type { Mongo } from "./mongo.ts";
import { DamagedArchive } from "./store.ts";

const UNFINISHED_MS = 24 * 3600_000;
/** How often to note that a build is in use. */
const TOUCH_MS = 24 * 3600_000;

/**
 * Opens a store of builds as archives in MongoDB. Each machine downloads a build once and keeps it in a directory.
 * @param directory for downloaded builds, and for the logs of builds made on this machine.
 */
export function openGridFsBuilds(mongo: Mongo, directory: string): BuildStore {
  const archives = new Archives(mongo, "builds", { namedByContent: true });
  const local = openBuildDirectory(directory);
  const fetching = new Map<string, Promise<void>>();

  const findArchive = async (
    key: string,
    signal?: AbortSignal,
  ): Promise<{ manifest: BuildManifest; files: StoredFile[] } | undefined> => {
    const archive = await mongo.withRetry(() => archives.find(key), { signal });
    if (archive === undefined) return undefined;
    if (Date.now() - +archive.uploadDate > TOUCH_MS)
      await mongo.withRetry(() => archives.touch(key), { signal });
    const manifest = parseOrExplain(BuildManifestSchema, archive.about, `the stored build ${key}`);
    return { manifest, files: archive.files };
  };

  const fetch = async (key: string): Promise<void> => {
    await local.dropChanged(key);
    if (await local.use(key)) return;
    const found = await findArchive(key);
    if (found === undefined) throw new MissingBuild(key);
    await removeLeftovers(directory);
    const place = temporaryName(path.join(directory, key));
    try {
      await mongo.withRetry(() => archives.unpack(key, found.files, place));
      await local.put(key, place, found.manifest);
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error;
      await mongo.withRetry(() => archives.remove(key)); // so that the project is built again
      throw new MissingBuild(key, { reason: `is lost: ${errorText(error)}` });
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  };

  return {
    find: async (key, signal) => (await findArchive(key, signal))?.manifest,
    async put(key, tree, manifest) {
      if (await findArchive(key)) return;
      const write = (): Promise<unknown> => archives.put(key, tree, filesOf(manifest), { about: manifest });
      await mongo.withRetry(write, { writing: true });
    },
    async linkInto(key, manifest, tree, options) {
      const running = fetching.get(key) ?? fetch(key).finally(() => fetching.delete(key));
      fetching.set(key, running);
      await unlessAborted(running, options?.signal); // other slots may wait for the same download: it continues
      await local.linkInto(key, manifest, tree, options);
    },
    dropChanged: (key) => local.dropChanged(key), // it will be downloaded again
    logFile: (key) => local.logFile(key),
    async removeOlderThan(ageMs) {
      await local.removeOlderThan(ageMs);
      return await mongo.withRetry(() => archives.removeOlderThan(ageMs, UNFINISHED_MS));
    },
    cached: () => local.all(),
  };
}
