import { utimes } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { findBuildSources } from "../../src/project/build/build-sources.ts";
import { describeProject } from "../../src/project/describe/descriptor.ts";
import { readCode } from "../../src/project/git/code.ts";
import { filesOfTree } from "../../src/project/git/commands/files.ts";
import { headCommit, openCheckout } from "../../src/project/git/git.ts";
import { findOwnBuild, type OwnBinaries } from "../../src/project/build/own-build.ts";
import { recipeFor, sourcesHash } from "../../src/project/build/sources.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";

const BUILDSPEC =
  '<buildspec><dir makemake-options="--make-so -o lib" path="src" type="makemake"/></buildspec>';

async function treeOf(repository: Repository) {
  const checkout = await openCheckout(repository.path);
  return await filesOfTree(await headCommit(checkout), { cwd: checkout.top });
}

it("hashes names and contents", async () => {
  await using repository = await makeRepository({ "a.cc": "1" });
  const first = sourcesHash(await treeOf(repository));
  expect(sourcesHash(await treeOf(repository))).toBe(first);
  await repository.commit({ "a.cc": "2" });
  const second = sourcesHash(await treeOf(repository));
  await repository.git("mv", "a.cc", "b.cc");
  await repository.commit();
  expect(new Set([first, second, sourcesHash(await treeOf(repository))]).size).toBe(3);
});

it.each([
  [
    { Makefile: "all:", "a.cc": "" },
    { kind: "make", folder: "" },
  ],
  [
    { ".oppbuildspec": BUILDSPEC, "src/a.cc": "" },
    { kind: "makemake", folders: [{ folder: "src", options: ["--make-so", "-o", "lib"] }] },
  ],
  [
    { "a.cc": "", "omnetpp.ini": "" },
    { kind: "makemake", folders: [{ folder: "", options: ["--deep"] }] },
  ],
  [{ "X.ned": "", "omnetpp.ini": "" }, { kind: "none" }],
  [{ "X.ned": "", "x.h": "" }, { kind: "none" }],
])("builds %j by %j", async (files, recipe) => {
  await using repository = await makeRepository(files);
  const project = await describeProject(repository.path, repository.path);
  expect(recipeFor(project, await treeOf(repository))).toEqual(recipe);
});

it("does not build by a Makefile that git does not track", async () => {
  await using repository = await makeRepository({ "a.cc": "", ".gitignore": "Makefile\n" });
  await repository.write({ Makefile: "#  opp_makemake -f -o it\n" });
  const project = await describeProject(repository.path, repository.path);
  expect(recipeFor(project, await treeOf(repository))).toEqual({
    kind: "makemake",
    folders: [{ folder: "", options: ["-o", "it"] }],
  });
});

async function ownBuildOf(repository: Repository) {
  const checkout = await openCheckout(repository.path);
  const project = await describeProject(repository.path, repository.path);
  const request = { checkout, ship: [], isLeftOut: Promise.resolve(() => false) };
  await using code = await readCode(request, undefined);
  const sources = await findBuildSources({ project, recipe: recipeFor(project, code.entries), code });
  const { entries: tree, changed } = code;
  return await findOwnBuild({ top: repository.path, project, mode: "release", tree, changed, sources });
}

function stampsOf(found: OwnBinaries): string[] | undefined {
  return found.ok ? found.build.stamps : undefined;
}

async function builtRepository() {
  const repository = await makeRepository({
    ".oppbuildspec": BUILDSPEC,
    "src/a.cc": "",
    "omnetpp.ini": "",
    ".gitignore": "*.so\n.nedexclusions\n",
  });
  await repository.write({ "src/liblib.so": "binary", ".nedexclusions": "inet.x\ninet.y\n" });
  const past = new Date(Date.now() - 60_000);
  for (const file of [".oppbuildspec", "src/a.cc"])
    await utimes(path.join(repository.path, file), past, past);
  return repository;
}

it("uses the user's own library if it is newer than every source", async () => {
  await using repository = await builtRepository();
  for (const file of ["omnetpp.ini", "src/in.xml", "a.json", "a.txt", "a.csv", "a.py", "README.md"])
    await repository.write({ [file]: "# changed, which no binary knows" });
  expect(await ownBuildOf(repository)).toMatchObject({
    ok: true,
    build: {
      products: ["src/liblib.so"],
      targets: [{ kind: "library", file: "src/liblib.so" }],
      nedExclusions: ["inet.x", "inet.y"],
    },
  });
});

it("does not reuse a build that used other data", async () => {
  await using repository = await builtRepository();
  await repository.commit({
    ".gitignore": "*.so\n.nedexclusions\n*.dat\n",
    "src/makefrag": "all: table.dat\n",
  });
  const past = new Date(Date.now() - 60_000);
  await utimes(path.join(repository.path, "src/makefrag"), past, past);
  await repository.write({ "src/table.dat": "1" });
  const one = await ownBuildOf(repository);
  expect(one).toMatchObject({ ok: true, build: { data: ["src/table.dat"] } });
  await repository.write({ "src/table.dat": "12" });
  const other = await ownBuildOf(repository);
  expect(stampsOf(other)).not.toEqual(stampsOf(one));
});

it.each([
  ["a changed source", { "src/a.cc": "changed" }, "src/a.cc is newer than src/liblib.so"],
  ["a changed header", { "src/b.hpp": "" }, "src/b.hpp is newer than src/liblib.so"],
  ["a changed build file", { "src/makefrag": "" }, "src/makefrag is newer than src/liblib.so"],
  ["a file of unknown purpose", { "src/b.xyz": "" }, "src/b.xyz is newer than src/liblib.so"],
  ["an added source", { "src/b.cc": "" }, "src/b.cc is newer than src/liblib.so"],
  ["newer features", { ".oppfeaturestate": "" }, ".oppfeaturestate is newer than src/liblib.so"],
])("does not use the user's own library after %s", async (_, files, reason) => {
  await using repository = await builtRepository();
  if (".oppfeaturestate" in files)
    await repository.commit({ ".gitignore": "*.so\n.nedexclusions\n.oppfeaturestate\n" });
  await repository.write(files);
  const future = new Date(Date.now() + 60_000);
  for (const file of Object.keys(files)) await utimes(path.join(repository.path, file), future, future);
  expect(await ownBuildOf(repository)).toEqual({ ok: false, reason });
});

it("does not use a library that is older than a source, or missing", async () => {
  await using repository = await builtRepository();
  const future = new Date(Date.now() + 60_000);
  await utimes(path.join(repository.path, "src/a.cc"), future, future);
  expect(await ownBuildOf(repository)).toEqual({ ok: false, reason: "src/a.cc is newer than src/liblib.so" });
  await repository.git("clean", "--quiet", "-fdx");
  expect(await ownBuildOf(repository)).toEqual({ ok: false, reason: "src/liblib.so is not built" });
});
