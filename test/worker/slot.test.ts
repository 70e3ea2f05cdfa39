import { PROTOCOL } from "../../src/model/protocol.ts";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { MissingBuild } from "../../src/stores/build-store.ts";
import { openBuildDirectory } from "../../src/stores/build-store.ts";
import { identify } from "../../src/system/identity.ts";
import { Slot } from "../../src/worker/tree/slot.ts";
import type { SlotTree } from "../../src/worker/tree/slot-tree.ts";
import { makeRepository } from "../helpers/git.ts";
import { repositoriesIn } from "../helpers/repositories.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A slot with one tree: a tracked study with a result that somebody has committed, and a library. */
async function preparedSlot() {
  const directory = await temporaryDirectory();
  const repository = await makeRepository({
    "study/omnetpp.ini": "[General]\n",
    "study/results/old.sca": "committed",
  });
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const repositories = repositoriesIn(directory.path);
  await repository.write({ "src/lib.so": "binary" });
  const manifest = { protocol: PROTOCOL, products: ["src/lib.so"], targets: [], nedExclusions: [] };
  await builds.put("key", repository.path, manifest);
  const slot = await Slot.take(path.join(directory.path, "slot"), builds, repositories);
  const source = {
    url: path.join(repository.path, ".git"),
    commit: await repository.git("rev-parse", "HEAD"),
  };
  const request = {
    source,
    directory: "/home/user/project",
    buildKey: "key",
    manifest: () => Promise.resolve(manifest),
  };
  const tree = await slot.prepare(request);
  slot.begin(tree);
  const write = async (file: string, content: string): Promise<void> => {
    await mkdir(path.dirname(path.join(tree.root, file)), { recursive: true });
    await writeFile(path.join(tree.root, file), content);
  };
  const dispose = async (): Promise<void> => {
    await directory[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  };
  return {
    slot,
    tree,
    request,
    builds,
    repositories,
    directory: directory.path,
    write,
    [Symbol.asyncDispose]: dispose,
  };
}

const written = async (slot: Slot, tree: SlotTree): Promise<string[]> =>
  (await slot.difference(tree)).written.map((file) => path.relative(tree.top, file.path)).sort();

it("has the tracked files and the binaries, under the checkout's own name", async () => {
  await using prepared = await preparedSlot();
  const { tree } = prepared;
  expect(tree.root).toBe(path.join(tree.mirror, "home/user/project"));
  expect(await readFile(path.join(tree.root, "src/lib.so"), "utf8")).toBe("binary");
  expect(await readFile(path.join(tree.root, "study/omnetpp.ini"), "utf8")).toBe("[General]\n");
  expect(await written(prepared.slot, tree)).toEqual([]);
});

it("finds what a run wrote, wherever the file is, and is clean afterwards", async () => {
  await using prepared = await preparedSlot();
  const { slot, tree, write } = prepared;
  await write("study/results/new.sca", "12345");
  await write("study/results/old.sca", "overwritten");
  await write("elsewhere/deep/log.txt", "");
  await symlink("log.txt", path.join(tree.root, "elsewhere/deep/link"));
  await rm(path.join(tree.root, "study/omnetpp.ini"));
  await rm(path.join(tree.root, "src/lib.so"));
  await write("src/lib.so", "replaced");
  expect((await slot.difference(tree)).written).toContainEqual({
    path: "home/user/project/study/results/new.sca",
    sizeBytes: 5,
  });
  const files = await written(slot, tree);
  expect(files).toEqual([
    "elsewhere/deep/link",
    "elsewhere/deep/log.txt",
    "src/lib.so",
    "study/results/new.sca",
    "study/results/old.sca",
  ]);

  const difference = await slot.difference(tree);
  for (const file of files) await rm(path.join(tree.root, file));
  await slot.clean(
    tree,
    difference,
    files.map((file) => path.join(tree.top, file)),
  );
  expect(await written(slot, tree)).toEqual([]);
  expect((await readdir(tree.root)).sort()).toEqual(["src", "study"]);
  expect(await readFile(path.join(tree.root, "study/results/old.sca"), "utf8")).toBe("committed");
  expect(await readFile(path.join(tree.root, "study/omnetpp.ini"), "utf8")).toBe("[General]\n");
});

it("gives the same tree to the next run of the same source, and another tree to another build", async () => {
  await using prepared = await preparedSlot();
  const { slot, tree, request, builds } = prepared;
  expect((await slot.prepare(request)).root).toBe(tree.root);
  const manifest = { ...tree.manifest, products: [] };
  await builds.put("other", tree.root, manifest);
  const other = await slot.prepare({
    ...request,
    buildKey: "other",
    manifest: () => Promise.resolve(manifest),
  });
  expect(other.root).not.toBe(tree.root);
});

it("stops the simulation and removes the trees of an owner that was killed", async () => {
  await using prepared = await preparedSlot();
  const { slot, builds, repositories, directory } = prepared;
  const simulation = spawn("sleep", ["100"], { detached: true });
  await once(simulation, "spawn");
  const exited = once(simulation, "exit");
  slot.remember(identify(simulation.pid!));
  const next = await Slot.take(path.join(directory, "slot"), builds, repositories);
  await exited;
  expect(simulation.signalCode).toBe("SIGKILL");
  expect(await readdir(next.directory)).toEqual(["taken"]);
});

it("discards a build whose library a run has written to, and gives the run a copy of the next one", async () => {
  await using prepared = await preparedSlot();
  const { slot, tree, request, builds, write, directory } = prepared;
  await write("src/lib.so", "ruined!");
  expect(await slot.changedShared(tree, await slot.difference(tree))).toBe("binaries of its build");
  await expect(builds.linkInto("key", tree.manifest, path.join(directory, "elsewhere"))).rejects.toThrow(
    MissingBuild,
  );

  await write("src/lib.so", "built again");
  await builds.put("key", tree.root, tree.manifest, { copies: true });
  const own = await slot.prepare({ ...request, isPrivate: true });
  slot.begin(own);
  await writeFile(path.join(own.root, "src/lib.so"), "ruined again");
  expect(await slot.changedShared(own, await slot.difference(own))).toBeUndefined();
  const next = await slot.prepare(request);
  expect(await readFile(path.join(next.root, "src/lib.so"), "utf8")).toBe("built again");
});

it("creates a tree again that was removed, or whose binaries were changed, before the next run", async () => {
  await using prepared = await preparedSlot();
  const { slot, tree, request } = prepared;
  await rm(path.dirname(tree.mirror), { recursive: true });
  const again = await slot.prepare(request);
  expect(await readFile(path.join(again.root, "src/lib.so"), "utf8")).toBe("binary");
  await rm(slot.directory, { recursive: true });
  const anew = await slot.prepare(request);
  expect(await readFile(path.join(anew.root, "study/omnetpp.ini"), "utf8")).toBe("[General]\n");
});

it("distinguishes a slot that is emptied from outside from a run that removes its own files", async () => {
  await using prepared = await preparedSlot();
  const { slot, tree } = prepared;
  await rm(path.join(tree.root, "study"), { recursive: true });
  expect(await slot.isBeingRemoved(tree)).toBe(false);
  await rm(slot.directory, { recursive: true });
  expect(await slot.isBeingRemoved(tree)).toBe(true);
});
