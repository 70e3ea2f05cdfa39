import { mkdir, readdir, readFile, realpath, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { Dependency } from "../../src/model/build.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { openBuildDirectory } from "../../src/stores/build-store.ts";
import { commandFor } from "../../src/worker/execute/command.ts";
import { Dependencies } from "../../src/worker/tree/dependencies.ts";
import { Slot } from "../../src/worker/tree/slot.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { makeRepository } from "../helpers/git.ts";
import { repositoriesIn } from "../helpers/repositories.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { STAND_IN } from "../helpers/tool.ts";

/** A worker's directory, and a project `inet` that others need, with a library. */
async function place() {
  const directory = await temporaryDirectory();
  const repository = await makeRepository({
    "src/A.ned": "",
    setenv: '[ "$1" = -f ] || exit 1\nexport PATH="$PWD/bin:$PATH" LEVEL="inet $LEVEL"\n',
  });
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const repositories = repositoriesIn(directory.path);
  await repository.write({ "src/libINET.so": "inet", "lib/libx.so": "x" });
  const keep = (key: string, products: string[], nedExclusions: string[] = []): Promise<void> =>
    builds.put(key, repository.path, {
      protocol: PROTOCOL,
      products,
      targets: products.map((file) => ({ kind: "library", file })),
      nedExclusions,
    });
  await keep("inet-key", ["src/libINET.so"], ["inet.off"]);
  const dependency = async (more: Partial<Dependency> = {}): Promise<Dependency> => ({
    name: "inet",
    tree: await repository.git("rev-parse", "HEAD^{tree}"),
    source: { url: path.join(repository.path, ".git"), commit: await repository.git("rev-parse", "HEAD") },
    checkoutName: "inet",
    project: "",
    buildKey: "inet-key",
    variable: "INET_ROOT",
    nedFolders: ["src"],
    libraries: ["src/INET"],
    ...more,
  });
  const shared = new Dependencies(directory.path, builds, repositories);
  const trees = async (): Promise<string[]> => {
    const names = await readdir(path.join(directory.path, "dependencies"));
    return names.filter((name) => !name.endsWith(".lock"));
  };
  /** Like the checkout of a slot. */
  const checkout = async (slot: string): Promise<string> => {
    const root = path.join(directory.path, "slots", slot, "tree/cell");
    await mkdir(root, { recursive: true });
    return root;
  };
  const dispose = async (): Promise<void> => {
    await directory[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  };
  return {
    directory: directory.path,
    repository,
    builds,
    repositories,
    keep,
    dependency,
    shared,
    trees,
    checkout,
    [Symbol.asyncDispose]: dispose,
  };
}

it("gives all slots one tree of what they need, with its binaries, beside their checkouts", async () => {
  await using here = await place();
  const needed = [await here.dependency()];
  const [one, two] = [await here.checkout("0"), await here.checkout("1")];
  const provided = await Promise.all([one, two].map((root) => here.shared.provide(needed, root)));
  expect(provided[0]![0]!.top).toBe(provided[1]![0]!.top);
  expect(await readFile(path.join(two, "../inet/src/libINET.so"), "utf8")).toBe("inet");
  expect(await here.trees()).toHaveLength(1);
});

it("removes a tree when nothing leads to it any longer", async () => {
  await using here = await place();
  const makeOld = async (): Promise<void> => {
    const then = new Date(Date.now() - 3600_000);
    for (const name of await here.trees())
      await utimes(path.join(here.directory, "dependencies", name, "used"), then, then);
  };
  const first = await here.checkout("0");
  await here.shared.provide([await here.dependency()], first);
  await here.repository.commit({ "src/B.ned": "" });
  await makeOld();
  await here.shared.provide([await here.dependency()], await here.checkout("1"));
  expect(await here.trees()).toHaveLength(2); // the first slot uses it
  await rm(path.dirname(first), { recursive: true });
  await here.repository.commit({ "src/C.ned": "" });
  await makeOld();
  await here.shared.provide([await here.dependency()], await here.checkout("2"));
  expect(await here.trees()).toHaveLength(2);
});

it("finds a needed project also by its name without the folder's version", async () => {
  await using here = await place();
  const root = await here.checkout("0");
  await here.shared.provide([await here.dependency({ name: "inet-4.5", checkoutName: "inet-4.5.4" })], root);
  for (const name of ["inet-4.5.4", "inet"])
    expect(await readFile(path.join(root, "..", name, "src/libINET.so"), "utf8")).toBe("inet");
});

it("refuses two checkouts of one name", async () => {
  await using here = await place();
  const root = await here.checkout("0");
  await expect(here.shared.provide([await here.dependency({ checkoutName: "cell" })], root)).rejects.toThrow(
    "two checkouts are named cell, one of them that of inet",
  );
});

it("executes a study with the libraries, NED folders, exclusions and environment of needed projects", async () => {
  await using here = await place();
  await using cell = await makeRepository({
    "sim/omnetpp.ini": "",
    "lib/X.ned": "",
    setenv: 'export LEVEL="cell $LEVEL"\n',
  });
  await here.repository.write({ "bin/libcell.so": "" });
  await here.keep("cell-key", ["bin/libcell.so"]);
  await here.keep("x-key", ["lib/libx.so"], ["x.off"]);
  const { source: _, ...inside } = await here.dependency({
    name: "x",
    buildKey: "x-key",
    project: "lib",
    variable: "X_ROOT",
    nedFolders: ["lib"],
    environment: { X_DATA: "${project}/data" },
  });
  const { libraries: __, ...unnamed } = inside;
  const dependencies = [await here.dependency(), unnamed];
  const slot = await Slot.take(path.join(here.directory, "slots/0"), here.builds, here.repositories);
  const campaign = someCampaign({
    source: { url: path.join(cell.path, ".git"), commit: await cell.git("rev-parse", "HEAD") },
    checkoutName: "cell",
    buildKey: "cell-key",
    study: "sim",
    nedPath: "../src:.",
    libraries: ["../bin/cell"],
    omnetpp: { version: "6.2.0", binDirectory: STAND_IN },
    dependencies,
  });
  const manifest = {
    protocol: PROTOCOL,
    products: ["bin/libcell.so"],
    targets: [],
    nedExclusions: ["inet.off", "cell.off"],
  };
  const tree = await slot.prepare({ ...campaign, manifest: () => Promise.resolve(manifest) });
  const run = { config: "General", runNumber: 0, iterationVariables: {}, repetition: 0 };
  const { args, env } = await commandFor(tree, campaign, [run]);
  const after = (option: string) => args.flatMap((arg, at) => (arg === option ? [args[at + 1]] : []));
  expect(after("-l")).toEqual(["../../inet/src/INET", "../lib/x", "../bin/cell"]);
  expect(after("-n")).toEqual(["../src:.:../../inet/src:../lib"]);
  expect(after("-x")).toEqual(["inet.off;cell.off;x.off"]);
  const inet = await realpath(path.join(tree.root, "../inet"));
  expect(env).toMatchObject({
    INET_ROOT: inet,
    X_ROOT: path.join(tree.root, "lib"),
    X_DATA: path.join(tree.root, "lib/data"),
    LEVEL: expect.stringMatching(/^cell inet /) as string,
    PATH: expect.stringContaining(path.join(inet, "bin")) as string,
    LD_LIBRARY_PATH: expect.stringContaining(
      `${path.join(tree.root, "lib")}:${path.join(inet, "src")}`,
    ) as string,
  });

  slot.begin(tree);
  await rm(path.join(tree.root, "lib/libx.so"));
  await slot.clean(tree, await slot.difference(tree), []);
  expect(await readFile(path.join(tree.root, "lib/libx.so"), "utf8")).toBe("x");
});

/** A slot whose trees need the project. */
async function neededIn(here: Awaited<ReturnType<typeof place>>) {
  const slot = await Slot.take(path.join(here.directory, "slots/0"), here.builds, here.repositories);
  const manifest = { protocol: PROTOCOL, products: [], targets: [], nedExclusions: [] };
  await here.builds.put("own", here.repository.path, manifest);
  const request = {
    source: (await here.dependency()).source!,
    directory: "/home/user/project",
    buildKey: "own",
    manifest: () => Promise.resolve(manifest),
    dependencies: [await here.dependency()],
  };
  const begin = async (isPrivate = false) => {
    const tree = await slot.prepare({ ...request, isPrivate });
    slot.begin(tree);
    const changed = async () => await slot.changedShared(tree, await slot.difference(tree));
    return { tree, inet: path.join(tree.root, "../inet"), changed };
  };
  return { slot, begin };
}

it("removes a shared tree with its build when a run has written into its library", async () => {
  await using here = await place();
  const { begin } = await neededIn(here);
  const { inet, changed } = await begin();
  expect(await changed()).toBeUndefined();
  await writeFile(path.join(inet, "src/libINET.so"), "ruined");
  expect(await changed()).toBe("files of the needed project inet");
  expect(await here.trees()).toEqual([]);
  expect(await here.builds.find("inet-key")).toBeUndefined();
});

const WRITES: [what: string, write: (inet: string) => Promise<unknown>, told: string][] = [
  ["a new file", (inet) => writeFile(path.join(inet, "src/new.csv"), ""), "../inet/src/new.csv"],
  ["a tracked file", (inet) => writeFile(path.join(inet, "src/A.ned"), "// changed"), "../inet/src/A.ned"],
  ["a deleted file", (inet) => rm(path.join(inet, "src/A.ned")), "../inet/src"],
  ["a file beside", (inet) => writeFile(path.join(inet, "..", "new"), ""), "../new"],
];

it.each(WRITES)(
  "removes a shared tree when a run has left %s in it, and creates it again in its original state",
  async (_, write, told) => {
    await using here = await place();
    const { begin } = await neededIn(here);
    const { inet, changed } = await begin();
    await write(await realpath(inet)); // as the kernel resolves `..` behind a link
    expect(await changed()).toBe(`${told} of the needed project inet`);
    expect(await here.trees()).toEqual([]);
    expect(await here.builds.find("inet-key")).toBeDefined();
    const next = await begin();
    expect((await readdir(path.join(next.inet, "src"))).sort()).toEqual(["A.ned", "libINET.so"]);
    expect(await readFile(path.join(next.inet, "src/A.ned"), "utf8")).toBe("");
    expect(await next.changed()).toBeUndefined();
  },
);

it("a write into a shared tree affects all its runs, also one that started later", async () => {
  await using here = await place();
  const { begin } = await neededIn(here);
  const writer = await begin();
  const other = await Slot.take(path.join(here.directory, "slots/1"), here.builds, here.repositories);
  const { source, buildKey, manifest, dependencies } = writer.tree;
  const reader = await other.prepare({
    source,
    buildKey,
    directory: "/home/user/project",
    manifest: () => Promise.resolve(manifest),
    dependencies: dependencies.map(({ dependency }) => dependency),
  });
  await writeFile(path.join(writer.inet, "src/A.ned"), "// changed");
  other.begin(reader);
  const changed = async () => await other.changedShared(reader, await other.difference(reader));
  expect(await changed()).toContain("../inet/src/A.ned");
  const next = await begin(); // in a new tree, which its neighbours do not remove
  expect(await writer.changed()).toBe("files of the needed project inet");
  expect(await changed()).toBe("files of the needed project inet");
  expect(await here.trees()).toHaveLength(1);
  expect(await next.changed()).toBeUndefined();
});

it("creates a shared tree again for the next run if a run has changed it whose runner was killed", async () => {
  await using here = await place();
  const [one, two] = [await here.checkout("0"), await here.checkout("1")];
  const needed = [await here.dependency()];
  await here.shared.provide(needed, one);
  await writeFile(path.join(one, "../inet/src/A.ned"), "// changed");
  await writeFile(path.join(one, "../inet/src/libINET.so"), "ruined");
  await here.builds.dropChanged("inet-key");
  await here.repository.write({ "src/libINET.so": "inet" });
  await here.keep("inet-key", ["src/libINET.so"]);
  await here.shared.provide(needed, two);
  expect(await readFile(path.join(two, "../inet/src/A.ned"), "utf8")).toBe("");
  expect(await readFile(path.join(two, "../inet/src/libINET.so"), "utf8")).toBe("inet");
});

it("uses a tree of the slot's own if that slot shares nothing: each change belongs to its run", async () => {
  await using here = await place();
  const { slot, begin } = await neededIn(here);
  const { tree, inet, changed } = await begin(true);
  expect(await readFile(path.join(inet, "src/libINET.so"), "utf8")).toBe("inet");
  await writeFile(path.join(inet, "src/libINET.so"), "ruined");
  await writeFile(path.join(inet, "new.csv"), "");
  expect(await changed()).toBeUndefined();
  const difference = await slot.difference(tree);
  expect(difference.written.map((file) => file.path).sort()).toEqual([
    "home/user/inet/new.csv",
    "home/user/inet/src/libINET.so",
  ]);
  await slot.clean(tree, difference, []);
  const next = await begin(true);
  expect(await readFile(path.join(next.inet, "src/libINET.so"), "utf8")).toBe("inet");
  expect(await readdir(next.inet)).not.toContain("new.csv");
});
