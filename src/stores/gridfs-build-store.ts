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
/** A build that is in use is noted so often. */
const TOUCH_MS = 24 * 3600_000;

/**
 * Builds as archives in MongoDB, each fetched once by a machine and kept in a directory there.
 * @param directory for the builds that have been fetched, and for the logs of those that are made here.
 */
export function openGridFsBuilds(mongo: Mongo, directory: string): BuildStore {
  const archives = new Archives(mongo, "builds", { namedByContent: true });
  const kept = openBuildDirectory(directory);
  const fetching = new Map<string, Promise<void>>();

  const findArchive = async (
    key: string,
    signal?: AbortSignal,
  ): Promise<{ manifest: BuildManifest; files: StoredFile[] } | undefined> => {
    const archive = await mongo.patiently(() => archives.find(key), { signal });
    if (archive === undefined) return undefined;
    if (Date.now() - +archive.uploadDate > TOUCH_MS)
      await mongo.patiently(() => archives.touch(key), { signal });
    const manifest = parseOrExplain(BuildManifestSchema, archive.about, `the stored build ${key}`);
    return { manifest, files: archive.files };
  };

  const fetch = async (key: string): Promise<void> => {
    await kept.dropChanged(key);
    if (await kept.use(key)) return;
    const found = await findArchive(key);
    if (found === undefined) throw new MissingBuild(key);
    await removeLeftovers(directory);
    const place = temporaryName(path.join(directory, key));
    try {
      await mongo.patiently(() => archives.unpack(key, found.files, place));
      await kept.put(key, place, found.manifest);
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error;
      await mongo.patiently(() => archives.remove(key)); // so that it is made again
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
      await mongo.patiently(write, { writing: true });
    },
    async linkInto(key, manifest, tree, options) {
      const running = fetching.get(key) ?? fetch(key).finally(() => fetching.delete(key));
      fetching.set(key, running);
      await unlessAborted(running, options?.signal); // what others wait for, too, goes on
      await kept.linkInto(key, manifest, tree, options);
    },
    dropChanged: (key) => kept.dropChanged(key), // it is fetched again
    logFile: (key) => kept.logFile(key),
    async removeOlderThan(ageMs) {
      await kept.removeOlderThan(ageMs);
      return await mongo.patiently(() => archives.removeOlderThan(ageMs, UNFINISHED_MS));
    },
    cached: () => kept.all(),
  };
}
