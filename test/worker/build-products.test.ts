import { chmod, copyFile, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { existsSync, lstatSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { filesIn, findProducts, isBinary, stampTree } from "../../src/worker/build/build-products.ts";
import { ageDerivedFiles } from "../../src/worker/build/derived-files.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const ELF = "\x7fELF\x02\x01\x01";

async function write(tree: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(tree, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    if (content.startsWith(ELF) || content.startsWith("#!")) await chmod(file, 0o755);
  }
}

/** The products found among these files, written before and during a build. */
async function productsOf(
  before: Record<string, string>,
  during: Record<string, string>,
  inherited: readonly string[] = [],
) {
  await using place = await temporaryDirectory();
  const tree = path.join(place.path, "tree");
  await write(tree, { ...before, "a.cc": "" });
  const stamps = await stampTree(tree);
  await write(tree, during); // within the same tick of the file system's clock
  return await findProducts(tree, "release", stamps, { inherited: new Set(inherited), env: process.env });
}

const makefile = (...lines: string[]): string =>
  ["#", "# This file was generated with the command:", "#  opp_makemake -f", "#", ...lines, ""].join("\n");

it("finds libraries, programs and data, and none of the compilers' intermediate files", async () => {
  const found = await productsOf(
    { "old.so": "", "old.dat": "" },
    {
      "src/libx.so": "",
      sim: ELF,
      "maps/a.dat": "data",
      "out/gcc-release/src/libx.so": "",
      "out/gcc-release/a.o": "",
      "b.o": "",
      "b.d": "",
      "c_m.cc": "",
      "c_m.h": "",
      "results/a.sca": "",
      "build/CMakeFiles/x": "",
      "__pycache__/gen.pyc": "",
      Makefile: makefile(),
    },
  );
  expect(found).toEqual({
    products: ["sim", "src/libx.so"],
    targets: [
      { kind: "executable", file: "sim" },
      { kind: "library", file: "src/libx.so" },
    ],
    data: ["maps/a.dat"],
  });
});

it("finds the targets that generated Makefiles name, also of an earlier Makefile, if the build produced them", async () => {
  const target = (name: string, suffix: string): string =>
    makefile("TARGET_DIR = .", `TARGET_NAME = ${name}$(D)`, `TARGET = $(TARGET_NAME)$(${suffix})`);
  const found = await productsOf(
    { Makefile: target("old name", "EXE_SUFFIX"), "stray/Makefile": target("stray", "EXE_SUFFIX") },
    {
      "old name": ELF,
      "src/Makefile": target("$(LIB_PREFIX)x", "SHARED_LIB_SUFFIX"),
      "src/libx.so": "",
      "plugins/liby.so": "",
      "tools/gen": ELF,
    },
  );
  expect(found.products).toEqual(["old name", "plugins/liby.so", "src/libx.so", "tools/gen"]);
  expect(found.targets).toEqual([
    { kind: "executable", file: "old name" },
    { kind: "library", file: "src/libx.so" },
  ]);
});

it("treats a script as a program only if there is no other", async () => {
  expect((await productsOf({}, { run: "#!/bin/sh\n" })).products).toEqual(["run"]);
  const both = await productsOf({}, { run: "#!/bin/sh\n", sim: ELF });
  expect(both).toMatchObject({ products: ["sim"], data: ["run"] });
});

it("does not treat a script as a program beside a library", async () => {
  const scripts = await productsOf({}, { "src/libx.so": "", "config.status": "#!/bin/sh\n" });
  expect(scripts.targets).toEqual([{ kind: "library", file: "src/libx.so" }]);
  expect(scripts.data).toEqual(["config.status"]);
});

const TOOL = ["/bin/true", "/usr/bin/true"].find((file) => existsSync(file) && isBinary(file));

it.runIf(TOOL !== undefined && findProgram("readelf") !== undefined)(
  "does not treat a program as the simulation if it is not linked with OMNeT++",
  async () => {
    await using place = await temporaryDirectory();
    const before = await stampTree(place.path);
    await write(place.path, { "src/libx.so": "" });
    await copyFile(TOOL!, path.join(place.path, "tool"));
    const options = { inherited: new Set<string>(), env: process.env };
    const both = await findProducts(place.path, "release", before, options);
    expect(both.targets).toEqual([{ kind: "library", file: "src/libx.so" }]);
    await rm(path.join(place.path, "src"), { recursive: true });
    const alone = await findProducts(place.path, "release", before, options);
    expect(alone.targets).toEqual([{ kind: "executable", file: "tool" }]);
  },
);

it("leaves out a repository that the build creates, and names that no run may have", async () => {
  const found = await productsOf(
    {},
    { ".git/HEAD": "x", "sub/.GIT/config": "x", "a\nb": "x", "kept.dat": "" },
  );
  expect(found.data).toEqual(["kept.dat"]);
});

it("leaves out what other builds have put into the tree", async () => {
  expect((await productsOf({}, { "other/libz.so": "", "libx.so": "" }, ["other/libz.so"])).products).toEqual([
    "libx.so",
  ]);
});

it("keeps the file to which a link in place of a program leads, but no link out of the tree", async () => {
  await using place = await temporaryDirectory();
  const tree = path.join(place.path, "tree");
  await mkdir(tree);
  await mkdir(path.join(tree, "bin"));
  await symlink("../out/gcc-release/tracked", path.join(tree, "bin/tracked"));
  await write(tree, { "out/gcc-release/tracked": "old" });
  const before = await stampTree(tree);
  await write(tree, { "out/gcc-release/sim": ELF, "out/gcc-release/tracked": ELF });
  await symlink("out/gcc-release/sim", path.join(tree, "sim"));
  await symlink("/etc/hostname", path.join(tree, "host"));
  await symlink("nowhere", path.join(tree, "dangling"));
  await symlink("out", path.join(tree, "folder"));
  await symlink("nowhere", path.join(tree, "Makefile"));
  const found = await findProducts(tree, "release", before, { inherited: new Set(), env: process.env });
  expect(found).toMatchObject({ products: ["bin/tracked", "sim"], data: [] });
  expect(lstatSync(path.join(tree, "sim")).isFile()).toBe(true);
  expect(await readFile(path.join(tree, "sim"), "latin1")).toBe(ELF);
});

it("makes derived files older than their sources, and nothing else", async () => {
  await using place = await temporaryDirectory();
  const tree = place.path;
  const derived = ["T_m.cc", "T_m.h", "F_sm.cc", "out/gcc-release/a", "a.o", "lib/libx.so", "sim"];
  const sources = ["T.msg", "F.sm", "U_m.cc", "a.cc", "tool.sh", "out/notes.txt"];
  await write(tree, Object.fromEntries([...derived, ...sources].map((file) => [file, ""])));
  await write(tree, { sim: ELF, "tool.sh": "#!/bin/sh\n" });
  const now = new Date();
  await write(tree, { "out/gcc-release/a.o.d": "C:/x/a.o: C:/x/a.h\n", "out/gcc-release/a.o": "" });
  const all = await filesIn(tree);
  const files = all.filter((file) => !file.includes("a.o") || file === "a.o");
  for (const file of all) await utimes(path.join(tree, file), now, now);
  await ageDerivedFiles(tree, all);
  expect((await filesIn(tree)).sort()).toEqual([...files].sort());
  const old = files.filter((file) => lstatSync(path.join(tree, file)).mtimeMs < now.getTime() - 1000);
  expect(old.sort()).toEqual([...derived].sort());
});
