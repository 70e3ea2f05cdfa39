import path from "node:path";
import { SourceSchema, sourceName } from "../model/build.ts";
import { parseOrExplain } from "../system/json.ts";
import { makeTemporaryFolder } from "../system/temporary-folder.ts";
import { Archives, type FoundArchive } from "./gridfs.ts";
import type { Mongo } from "./mongo.ts";
import { damagedSource, type SourceStore } from "./source-store.ts";
import { DamagedArchive } from "./store.ts";

const UNFINISHED_MS = 24 * 3600_000;

/** Opens a store of source packs in MongoDB, for workers on other machines. */
export function openGridFsSources(mongo: Mongo): SourceStore {
  const archives = new Archives(mongo, "sources", { namedByContent: true });
  const find = (tree: string): Promise<FoundArchive | undefined> =>
    mongo.withRetry(() => archives.find(tree));
  return {
    sharesDisk: false,
    async find(tree) {
      const archive = await find(tree);
      if (archive === undefined) return undefined;
      const source = parseOrExplain(SourceSchema, archive.about, `the stored source ${tree}`);
      const packs = source.packs ?? [];
      for (const pack of packs) {
        if (pack === tree || (await find(pack))) continue;
        await mongo.withRetry(() => archives.remove(tree)); // useless without that pack: both will be sent again
        return undefined;
      }
      for (const pack of packs) await mongo.withRetry(() => archives.touch(pack));
      return source;
    },
    async put(source, pack) {
      const { dir, base } = path.parse(pack);
      const write = (): Promise<unknown> => archives.put(sourceName(source), dir, [base], { about: source });
      await mongo.withRetry(write, { writing: true });
    },
    async open(tree) {
      const archive = await find(tree);
      if (archive === undefined) return undefined;
      const folder = await makeTemporaryFolder("source");
      try {
        const place = path.join(folder.path, "pack");
        await mongo.withRetry(() => archives.unpack(tree, archive.files, place));
        return { ...folder, path: path.join(place, archive.files[0]!.path) };
      } catch (error) {
        await folder[Symbol.asyncDispose]();
        if (!(error instanceof DamagedArchive)) throw error;
        await mongo.withRetry(() => archives.remove(tree)); // so that the source is sent again
        throw damagedSource(tree, error.message);
      }
    },
    remove: (tree) => mongo.withRetry(() => archives.remove(tree)),
    removeOlderThan: (ageMs) => mongo.withRetry(() => archives.removeOlderThan(ageMs, UNFINISHED_MS)),
  };
}
