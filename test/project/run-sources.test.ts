import { symlink } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readCode } from "../../src/project/git/code.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { findRunSources } from "../../src/project/build/run-sources.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let cache: TemporaryDirectory;

beforeEach(async () => {
  cache = await temporaryDirectory();
  vi.stubEnv("XDG_CACHE_HOME", cache.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cache[Symbol.asyncDispose]();
});

/** The files that runs of a study cannot read, sorted. */
async function unreadIn(repository: Repository, folders = ["a"], texts: string[] = []): Promise<string[]> {
  const checkout = await openCheckout(repository.path);
  await using code = await readCode(
    { checkout, ship: [], isLeftOut: Promise.resolve(() => false) },
    undefined,
  );
  const absolute = folders.map((folder) => path.join(repository.path, folder));
  const { canRead, hashOf } = await findRunSources({ codes: [code], folders: absolute, texts });
  expect(hashOf(code)).toMatch(/^[0-9a-f]{64}$/);
  return code.entries.flatMap((entry) => (canRead(code, entry.path) ? [] : [entry.path])).sort();
}

const REPOSITORY: Record<string, string> = {
  "a/.oppbuildspec": "",
  "a/A.cc": '#include "../common/c.h"\n',
  "a/A.ned": "",
  "a/sim/omnetpp.ini": "include ../more.ini\n",
  "a/more.ini": "",
  "b/.project": "",
  "b/B.cc": "",
  "b/sim/in.xml": "",
  "c/.nedfolders": "",
  "c/C.ned": "",
  "common/c.h": "",
  "common/in.xml": "",
};
const B = ["b/.project", "b/B.cc", "b/sim/in.xml"];
const C = ["c/.nedfolders", "c/C.ned"];

it("does not treat files that only a build reads as read by runs", async () => {
  const derived = ["a/T_m.cc", "a/T_m.h", "a/out/gcc-release/a/A.o"];
  const others = { "a/T.msg": "", "a/U_m.cc": "", "a/out/notes.txt": "" };
  const files = { ...Object.fromEntries(derived.map((file) => [file, ""])), ...others };
  await using repository = await makeRepository({ "a/.oppbuildspec": "", "a/A.ned": "", ...files });
  expect(await unreadIn(repository)).toEqual(derived);
});

it("does not treat other projects and documents as read", async () => {
  const documents = {
    "README.md": "see ../b and docs/x.txt",
    LICENSE: "",
    "a/doc/x.txt": "",
    "a/docs/x.csv": "",
    "a/notes.rst": "",
    "a/paper.pdf": "",
  };
  await using repository = await makeRepository({
    ...REPOSITORY,
    ...documents,
    ".gitignore": "docs/build\n",
    "a/docs/D.ned": "",
    "a/docs/d.ini": "",
    "a/news.xml": "",
  });
  expect(await unreadIn(repository)).toEqual([...Object.keys(documents), ...B, ...C].sort());
});

it.each<[string, Record<string, string>]>([
  ["an ini file", { "a/sim/omnetpp.ini": '*.f = "../../b/sim/in.xml"\n' }],
  ["an ini file that is included", { "a/more.ini": "include ../b/x.ini\n" }],
  ["an ini file without quotes", { "a/sim/omnetpp.ini": "load-libs = ../../b/x\n" }],
  ["an iteration variable", { "a/sim/omnetpp.ini": '*.f = "../../${p=b,c}/in.xml"\n' }],
  ["a path in parts", { "a/sim/omnetpp.ini": '*.d = "../../"\n*.f = "in.xml"\n' }],
  ["a folder", { "a/sim/omnetpp.ini": '*.d = "../.."\n' }],
  ["a NED file", { "a/A.ned": 'string f = default("../../b/sim/in.xml");\n' }],
  ["code", { "a/A.cc": 'open("../../b/sim/in.xml");\n' }],
  ["an XML file", { "a/in.xml": '<x file="../b/sim/in.xml"/>\n' }],
  ["a list of files", { "a/list.txt": "../b/sim/in.xml\n" }],
  ["a path with backslashes", { "a/in.json": '{"f": "..\\\\b\\\\in.xml"}\n' }],
  ["a file that belongs to no project", { "common/in.xml": '<x file="../b/sim/in.xml"/>\n' }],
])("treats another project as read if %s leads there", async (_, files) => {
  await using repository = await makeRepository({ ...REPOSITORY, ...files });
  expect(await unreadIn(repository, ["a/sim", "a"])).not.toEqual(expect.arrayContaining(B));
});

it("treats another project as read if a project that is read leads there", async () => {
  await using repository = await makeRepository({
    ...REPOSITORY,
    "a/in.xml": "<x>../b/sim/in.xml</x>",
    "b/sim/in.xml": "<x>../../c/C.ned</x>",
  });
  expect(await unreadIn(repository)).toEqual([]);
});

it.each<[string, string[], string[], string[]]>([
  ["a NED folder", ["a", "b/sim"], [], C],
  ["the folder of all", ["a", ""], [], []],
  ["an argument", ["a"], ['--*.f="../b/in.xml"'], C],
  ["an absolute path", ["a"], ["TOP/c/x"], []],
  ["results beside it", ["a"], ["--result-dir=../results"], [...B, ...C]],
  ["a range", ["a"], ["${n=1..10}"], [...B, ...C]],
])("treats another project as read with %s", async (_, folders, texts, unread) => {
  await using repository = await makeRepository(REPOSITORY);
  const told = texts.map((text) => text.replace("TOP", repository.path));
  expect(await unreadIn(repository, folders, told)).toEqual(unread);
});

it("follows symbolic links to other projects and documents", async () => {
  await using repository = await makeRepository({ ...REPOSITORY, "docs/map.txt": "", "README.md": "" });
  await symlink("../way/sim", path.join(repository.path, "a/data"));
  await symlink("b", path.join(repository.path, "way"));
  await symlink("../docs/map.txt", path.join(repository.path, "a/map"));
  expect(await unreadIn(repository)).toEqual(["README.md", ...C]);
});

it("assumes that a file with the checkout's absolute path may name anything", async () => {
  await using repository = await makeRepository({ ...REPOSITORY, "README.md": "" });
  await repository.write({ "a/in.xml": `<x file="${repository.path}/c/C.ned"/>` });
  expect(await unreadIn(repository)).toEqual([]);
});

it("assumes that a file too large to be searched may name anything", async () => {
  await using repository = await makeRepository({ ...REPOSITORY, "a/in.xml": "x".repeat(5 << 20) });
  expect(await unreadIn(repository)).toEqual([]);
});

it.each<[string, Record<string, string>, string]>([
  ["in an ini file", { "a/x.ini": '*.f = "README.md"\n' }, "a/README.md"],
  ["in code", { "a/A.cc": 'open("LICENSE");\n' }, "a/LICENSE"],
  ["in NED", { "a/A.ned": 'string f = default("x.pdf");\n' }, "a/x.pdf"],
  ["in XML", { "a/in.xml": "<x>notes.rst</x>\n" }, "a/notes.rst"],
  ["by its folder", { "a/x.ini": '*.f = "docs/in.csv"\n' }, "a/docs/in.csv"],
  ["only by its folder", { "a/x.ini": '*.d = "docs"\n*.f = "in.csv"\n' }, "a/docs/in.csv"],
  ["by its end", { "a/x.ini": '*.f = "${n=1,2}_x.md"\n' }, "a/1_x.md"],
  ["by its extension", { "a/A.cc": 'open(name + ".md");\n' }, "a/1_x.md"],
  ["by its beginning", { "a/A.cc": 'open("README" + x);\n' }, "a/README.txt"],
  ["by a document that is named", { "a/x.ini": '*.f = "list.md"\n', "a/list.md": "other.md" }, "a/other.md"],
])("treats a document as read if it is named %s", async (_, files, document) => {
  await using repository = await makeRepository({ ...REPOSITORY, ...files, [document]: "" });
  expect(await unreadIn(repository)).not.toContain(document);
});

it.each<[string, Record<string, string>, string]>([
  ["in a comment of code", { "a/A.cc": "// see LICENSE, README.md\n" }, "a/LICENSE"],
  ["in a comment of an ini file", { "a/x.ini": "# see README.md\n" }, "a/README.md"],
  ["by another document", { "a/README.md": "other.md" }, "a/other.md"],
  ["by a build", { "a/Makefile": "doc: notes.md\n" }, "a/notes.md"],
])("does not treat a document as read if it is named %s", async (_, files, document) => {
  await using repository = await makeRepository({ ...REPOSITORY, ...files, [document]: "" });
  expect(await unreadIn(repository)).toContain(document);
});
