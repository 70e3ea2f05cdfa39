import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { openBuildDirectory } from "../../src/stores/build-store.ts";
import { freeDiskSpace, type Cache } from "../../src/worker/tree/free-disk-space.ts";
import { Slot } from "../../src/worker/tree/slot.ts";
import { makeRepository } from "../helpers/git.ts";
import { repositoriesIn } from "../helpers/repositories.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const HOUR_MS = 3600_000;
const manifest = { protocol: PROTOCOL, products: ["lib.so"], targets: [], nedExclusions: [] };

/** A node's copies of builds that are stored elsewhere. */
function fetchedBuilds(directory: string) {
  const builds = openBuildDirectory(path.join(directory, "builds"));
  const caches: Cache[] = [{ cached: () => builds.all() }];
  return {
    builds,
    caches,
    put: async (key: string, unusedMs: number, content = key): Promise<void> => {
      const tree = path.join(directory, "tree");
      await mkdir(tree, { recursive: true });
      await writeFile(path.join(tree, "lib.so"), content);
      await builds.put(key, tree, manifest);
      await rm(tree, { recursive: true }); // its files are the build's, under other names
      const then = new Date(Date.now() - unusedMs);
      await utimes(path.join(directory, "builds", key, "manifest.json"), then, then);
    },
    keys: async () => (await readdir(path.join(directory, "builds"))).sort(),
  };
}

it("removes what was unused for longest, as much as needed, and nothing that may be in use", async () => {
  await using directory = await temporaryDirectory();
  const { builds, caches, put, keys } = fetchedBuilds(directory.path);
  await put("newest", 0);
  await put("old", 2 * HOUR_MS);
  await put("oldest", 3 * HOUR_MS);
  await put("older", 2.5 * HOUR_MS);
  await builds.linkInto("old", manifest, path.join(directory.path, "run")); // is in use now
  let looks = 0;
  expect(await freeDiskSpace(directory.path, caches, () => ++looks <= 2)).toBe(1);
  expect(await keys()).toEqual(["newest", "old", "older"]);
  expect(await freeDiskSpace(directory.path, caches, () => true)).toBe(1);
  expect(await keys()).toEqual(["newest", "old"]);
  expect(await freeDiskSpace(directory.path, caches, () => false)).toBe(0);
});

it("removes fetched builds and repositories before it creates a tree on a disk that is nearly full", async (context) => {
  await using repository = await makeRepository({ "omnetpp.ini": "[General]\n" });
  await using directory = await temporaryDirectory();
  using _disk = await smallDisk(directory.path, 4096, context);
  const { builds, put, keys } = fetchedBuilds(directory.path);
  await put("now", 0);
  await put("then", HOUR_MS, "x".repeat(1 << 20));
  await writeFile(path.join(directory.path, "results"), "x".repeat(2_900_000));
  const repositories = repositoriesIn(directory.path);
  const store = { ...builds, cached: () => builds.all() };
  const slot = await Slot.take(path.join(directory.path, "slot"), store, repositories);
  const commit = await repository.git("rev-parse", "HEAD");
  const source = { url: path.join(repository.path, ".git"), commit };
  await slot.prepare({
    source,
    directory: "/home/user/project",
    buildKey: "now",
    manifest: () => Promise.resolve(manifest),
  });
  expect(await keys()).toEqual(["now"]);
});

it("fetches a repository again that was removed", async () => {
  await using repository = await makeRepository({ "omnetpp.ini": "[General]\n" });
  await using directory = await temporaryDirectory();
  const repositories = repositoriesIn(directory.path);
  const commit = await repository.git("rev-parse", "HEAD");
  const source = { url: `file://${repository.path}/.git`, commit };
  const place = await repositories.open(source);
  const [cached, ...others] = await repositories.cached();
  expect(others).toEqual([]);
  await cached!.remove();
  expect(await repositories.cached()).toEqual([]);
  expect(await repositories.open(source)).toBe(place);
  expect(await repositories.cached()).toHaveLength(1);
});

it("removes builds and logs of this machine that have long been unused", async () => {
  await using directory = await temporaryDirectory();
  const { builds, put, keys } = fetchedBuilds(directory.path);
  await put("new", 0);
  await put("old", 2 * HOUR_MS);
  await writeFile(builds.logFile("new"), "");
  await writeFile(builds.logFile("old"), "");
  await utimes(builds.logFile("old"), 0, 0);
  expect(await builds.removeOlderThan(HOUR_MS)).toBe(1);
  expect(await keys()).toEqual(["new", "new.log"]);
});
