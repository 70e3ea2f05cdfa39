import path from "node:path";
import { expect, it } from "vitest";
import { libraryNames, makefileTarget, makemakeTarget, nameOption } from "../../src/omnetpp/targets.ts";
import { makeRepository } from "../helpers/git.ts";

const HEADER = "#\n# This file was generated with the command:\n#  opp_makemake -f --deep\n#\n";

it.each([
  [
    "of OMNeT++ 6",
    "TARGET_DIR = .\nTARGET_NAME = sim$(D)\nTARGET = $(TARGET_NAME)$(EXE_SUFFIX)\n",
    "executable",
    "sim",
  ],
  [
    "of OMNeT++ 6, a library",
    "TARGET_DIR = .\nTARGET_NAME = $(LIB_PREFIX)sim$(D)\nTARGET = $(TARGET_NAME)$(SHARED_LIB_SUFFIX)\n",
    "library",
    "sim",
  ],
  ["of OMNeT++ 5", "TARGET = sim$(D)$(EXE_SUFFIX)\n", "executable", "sim"],
  ["of OMNeT++ 5, a library", "TARGET = $(LIB_PREFIX)sim$(D)$(SHARED_LIB_SUFFIX)\n", "library", "sim"],
  [
    "with a space and an umlaut",
    "TARGET_NAME = Größe 2$(D)\nTARGET = $(TARGET_NAME)$(EXE_SUFFIX)\n",
    "executable",
    "Größe 2",
  ],
])("reads the target of a Makefile %s", (_, text, kind, name) => {
  expect(makefileTarget(HEADER + text, "src")).toEqual({ kind, folder: "src", name });
});

it("follows TARGET_DIR", () => {
  const text = `${HEADER}TARGET_DIR = ../bin\nTARGET_NAME = x$(D)\nTARGET = $(TARGET_NAME)\n`;
  expect(makefileTarget(text, "src")).toEqual({ kind: "executable", folder: "bin", name: "x" });
});

it.each([
  ["written by hand", "TARGET = x\n"],
  ["that links nothing", HEADER],
  ["of a static library", `${HEADER}TARGET = $(LIB_PREFIX)x$(D)$(A_LIB_SUFFIX)\n`],
])("finds no target in a Makefile %s", (_, text) => {
  expect(makefileTarget(text, "")).toBeUndefined();
});

it.each([
  [["-f", "-o", "sim"], "sim"],
  [["-osim"], "sim"],
  [["--output", "sim"], "sim"],
  [["--output=sim"], "sim"],
  [["--name=sim"], "sim"],
  [["-O", "out", "--deep"], undefined],
])("finds in %j the name %s", (options, name) => {
  expect(nameOption(options)).toBe(name);
});

it("names a target after the nearest folder of the IDE, else after its own folder", async () => {
  await using repository = await makeRepository({
    "model/.project": "",
    "model/src/a.cc": "",
    "other/a.cc": "",
  });
  const name = (folder: string) =>
    makemakeTarget(path.join(repository.path, folder), folder, ["--deep"])[0]?.name;
  expect(name("model/src")).toBe("model");
  expect(name("other")).toBe("other");
});

it("names libraries in the form that -l takes", () => {
  const files = ["src/libINET.so", "libX_dbg.so", "lib/liby.so.1.2"];
  const targets = files.map((file) => ({ kind: "library" as const, file }));
  expect(libraryNames([...targets, { kind: "executable", file: "sim" }])).toEqual(["src/INET", "X", "lib/y"]);
});
