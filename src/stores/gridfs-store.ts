import { rm } from "node:fs/promises";
import path from "node:path";
import { errorText } from "../errors.ts";
import { Archives } from "./gridfs.ts";
import type { Mongo } from "./mongo.ts";
import { asUnreachable } from "./mongo-errors.ts";
import { DamagedArchive, type ResultStore } from "./store.ts";

/** How long a worker may take to upload one result. */
const UNFINISHED_MS = 24 * 3600_000;

/** Opens a store of results as archives in MongoDB, for workers that do not share a file system with the client. */
export function openGridFsStore(mongo: Mongo): ResultStore {
  const archives = new Archives(mongo, "results");
  return {
    async put(name, tree, files, signal) {
      const stored = await mongo.withRetry(() => archives.put(name, tree, files, { signal }), {
        writing: true,
        signal,
      });
      for (const file of files) await rm(path.join(tree, file));
      return stored;
    },
    async open(name, files, scratch) {
      const unpack = (): Promise<void> => mongo.withRetry(() => archives.unpack(name, files, scratch));
      try {
        await unpack().catch(async (error: unknown) => {
          if (!(error instanceof DamagedArchive)) throw error;
          await unpack(); // it may have been damaged during the download
        });
      } catch (error) {
        if (!(error instanceof DamagedArchive)) throw error;
        throw new DamagedArchive(`the stored result ${name} is lost: ${errorText(error)}`, { cause: error });
      }
      return scratch;
    },
    remove: (name) => mongo.withRetry(() => archives.remove(name)),
    removeAll: (job) => mongo.withRetry(() => archives.removeFolder(job)),
    removeOlderThan: (ageMs) => mongo.withRetry(() => archives.removeOlderThan(ageMs, UNFINISHED_MS)),
    async check() {
      try {
        await mongo.db.command({ ping: 1 });
      } catch (error) {
        throw asUnreachable(error, "MongoDB") ?? error;
      }
    },
    async freeShare() {
      try {
        return await mongo.withRetry(() => freeShareOf(mongo));
      } catch (error) {
        if (error instanceof mongo.driver.MongoClientClosedError) return undefined; // closed: the answer is no longer needed
        throw error;
      }
    },
  };
}

/** Returns the free share of the server's file system, from the statistics of a database. @see MongoDB manual, dbStats */
async function freeShareOf({ db }: Mongo): Promise<number | undefined> {
  const { fsUsedSize, fsTotalSize } = await db.command({ dbStats: 1 });
  if (typeof fsUsedSize !== "number" || typeof fsTotalSize !== "number" || fsTotalSize <= 0) return undefined;
  return 1 - fsUsedSize / fsTotalSize;
}
