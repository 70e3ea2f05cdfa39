import { openBuildDirectory, type BuildStore } from "./build-store.ts";
import { openDirectoryStore } from "./directory-store.ts";
import type { MongoAccess } from "./mongo.ts";
import { openSourceDirectory, type SourceStore } from "./source-store.ts";
import type { ResultStore } from "./store.ts";

/** Where a swarm stores sources, builds and results. */
export interface Stores extends AsyncDisposable {
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
}

/** Results are stored in a directory of this machine or in MongoDB. */
export type StorePlaces =
  /** With MongoDB, `builds` is the directory for downloaded builds. */
  { builds: string } & (
    | { sources: string; results: string; mongo?: undefined }
    /** With `sources`, client and workers are on this machine, and only builds and results are in MongoDB. */
    | { sources?: string | undefined; mongo: MongoAccess }
  );

/**
 * Opens the stores of a swarm.
 * @throws {UserError} if MongoDB cannot be used.
 */
export async function openStores(places: StorePlaces): Promise<Stores> {
  if (places.mongo !== undefined) return await openMongoStores(places.mongo, places.builds, places.sources);
  return {
    builds: openBuildDirectory(places.builds),
    sources: openSourceDirectory(places.sources),
    results: openDirectoryStore(places.results),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Loads MongoDB's modules only if they are used. */
async function openMongoStores(
  access: MongoAccess,
  builds: string,
  sources: string | undefined,
): Promise<Stores> {
  const [{ openMongo }, { openGridFsStore }, { openGridFsBuilds }, { openGridFsSources }] = await Promise.all(
    [
      import("./mongo.ts"),
      import("./gridfs-store.ts"),
      import("./gridfs-build-store.ts"),
      import("./gridfs-source-store.ts"),
    ],
  );
  const mongo = await openMongo(access);
  return {
    builds: openGridFsBuilds(mongo, builds),
    sources: sources === undefined ? openGridFsSources(mongo) : openSourceDirectory(sources),
    results: openGridFsStore(mongo),
    [Symbol.asyncDispose]: () => mongo[Symbol.asyncDispose](),
  };
}
