import { symlink } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { findBuildSources } from "../../src/project/build/build-sources.ts";
import { readCode } from "../../src/project/git/code.ts";
import { describeFolder } from "../../src/project/describe/descriptor.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { recipeFor } from "../../src/project/build/sources.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { buildspec } from "../helpers/projects.ts";
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

/** The files that decide a build of the project in a folder, sorted. */
async function sourcesOf(repository: Repository, folder = ""): Promise<string[]> {
  const checkout = await openCheckout(repository.path);
  const project = await describeFolder(repository.path, path.join(repository.path, folder));
  const request = { checkout, ship: [], isLeftOut: Promise.resolve(() => false) };
  await using code = await readCode(request, undefined);
  const sources = await findBuildSources({ project, recipe: recipeFor(project, code.entries), code });
  return sources.map((entry) => entry.path).sort();
}

/** Those of some files that decide a build, in a project with a `.oppbuildspec` and code. */
async function deciding(files: Record<string, string>): Promise<string[]> {
  await using repository = await makeRepository({
    ".oppbuildspec": buildspec(".", "--deep -o sim"),
    "src/A.cc": "",
    ...files,
  });
  const found = await sourcesOf(repository);
  return Object.keys(files)
    .filter((file) => found.includes(file))
    .sort();
}

it.each([
  // read by compilers
  ["src/B.cc", true],
  ["src/B.cpp", true],
  ["src/B.CC", true],
  ["src/B.h", true],
  ["src/B.hpp", true],
  ["src/B.inc", true],
  ["src/B.tcc", true],
  ["src/B.ipp", true],
  ["src/B.S", true],
  ["src/B.cu", true],
  ["src/B.msg", true],
  ["src/B.sm", true],
  // describe a build
  [".oppfeatures", true],
  [".project", true],
  [".nedexclusions", true],
  ["makefrag", true],
  ["src/makefrag.inc", true],
  ["src/rules.mk", true],
  ["configure.ac", true],
  ["CMakeLists.txt", true],
  ["cmake/Find.cmake", true],
  ["src/version.h.in", true],
  // of unknown purpose
  ["src/table", true],
  ["src/table.xyz", true],
  // read by runs, people and tools
  ["simulations/omnetpp.ini", false],
  ["src/B.ned", false],
  ["simulations/in.xml", false],
  ["simulations/in.json", false],
  ["simulations/in.txt", false],
  ["simulations/in.csv", false],
  ["simulations/in.dat", false],
  ["simulations/plot.py", false],
  ["simulations/plot.anf", false],
  ["simulations/.qtenvrc", false],
  ["src/B.cc.orig", false],
  ["src/B.h~", false],
  ["notes.md", false],
  ["README", false],
  ["LICENSE-EXAMPLE", false],
  ["swarm.json", false],
  [".gitattributes", false],
  [".nedfolders", false],
  [".github/workflows/test.yml", false],
  [".settings/org.prefs", false],
])("returns whether %s decides a build: %s", async (file, decides) => {
  const content = file === "swarm.json" ? "{}" : "";
  expect(await deciding({ [file]: content })).toEqual(decides ? [file] : []);
});

it.each<[string, Record<string, string>, string[]]>([
  [
    "by name",
    { makefrag: "Table.h: in/table.csv\n\tcp $< $@\n", "in/table.csv": "", "in/other.csv": "" },
    ["in/table.csv"],
  ],
  [
    "by the end of a name",
    { makefrag: "X=$(NAME)_table.csv\n", "a_table.csv": "", "table.csv": "" },
    ["a_table.csv"],
  ],
  [
    "by a pattern",
    { makefrag: "X=$(wildcard in/*.csv)\n", "in/a.csv": "", "b.CSV": "", "in/a.xml": "" },
    ["b.CSV", "in/a.csv"],
  ],
  ["by a rule's pattern", { makefrag: "%.h: %.json\n\tgen $<\n", "a.json": "" }, ["a.json"]],
  ["by a variable with an extension", { makefrag: "X=$(N).json\n", "a.json": "" }, ["a.json"]],
  ["by a folder", { makefrag: "x:\n\tgen data/\n", "data/deep/a.xml": "", "a.xml": "" }, ["data/deep/a.xml"]],
  ["by a folder and any name", { makefrag: "x:\n\tgen data/*\n", "data/a.xml": "" }, ["data/a.xml"]],
  [
    "not as a folder to work in",
    { makefrag: "x:\n\tcd data && make\n\tmake -C data\n", "data/a.xml": "" },
    [],
  ],
  [
    "NED files not by their folder",
    { makefrag: "SUBDIRS = src\n", "src/A.ned": "", "src/a.xml": "" },
    ["src/a.xml"],
  ],
  ["NED files by a pattern", { makefrag: "doc: $(wildcard *.ned)\n", "src/A.ned": "" }, ["src/A.ned"]],
  [
    "by a script",
    {
      makefrag: "x:\n\tpython3 tools/gen.py\n",
      "tools/gen.py": "import lib\nopen('t.json')",
      "tools/lib.py": "",
      "tools/t.json": "",
      "plot.py": "",
    },
    ["tools/gen.py", "tools/lib.py", "tools/t.json"],
  ],
  [
    "by a script that a script calls",
    {
      makefrag: "x:\n\t./gen\n",
      gen: "#!/bin/sh\nsh more.sh",
      "more.sh": "cat in.txt",
      "in.txt": "",
      "b.txt": "",
    },
    ["gen", "in.txt", "more.sh"],
  ],
  [
    "by a script that lists folders",
    { makefrag: "x:\n\tpython3 gen.py\n", "gen.py": "os.listdir(d)", "a.xml": "", "B.ned": "" },
    ["B.ned", "a.xml", "gen.py"],
  ],
  [
    "in a Makefile that another one calls",
    {
      Makefile: "all:\n\tcd src && $(MAKE)\n",
      "src/Makefile": "x: in.json\n",
      "src/in.json": "",
      "doc/Makefile": "x: *.xml\n",
      "a.xml": "",
    },
    ["src/Makefile", "src/in.json", "doc/Makefile"],
  ],
  [
    "by commands",
    { "swarm.json": '{"build": ["sh build.sh"]}', "build.sh": "gen table.xml", "table.xml": "", "b.xml": "" },
    ["build.sh", "table.xml"],
  ],
  [
    "by CMake",
    {
      "swarm.json": '{"build": ["cmake ."]}',
      "CMakeLists.txt": "configure_file(conf.json x.h)",
      "conf.json": "",
      "b.json": "",
    },
    ["CMakeLists.txt", "conf.json"],
  ],
  [
    "by code that includes it",
    { "src/B.cc": '#include "table.csv"\n', "src/table.csv": "", "src/b.csv": "" },
    ["src/B.cc", "src/table.csv"],
  ],
  [
    "by code that embeds it",
    { "src/B.cc": 'asm(".incbin \\"x.json\\"");\n', "src/x.json": "" },
    ["src/B.cc", "src/x.json"],
  ],
  ["not by code that opens it", { "src/B.cc": 'open("x.json");\n', "src/x.json": "" }, ["src/B.cc"]],
  [
    "by a name with a blank and an umlaut",
    { makefrag: 'X = "größe 1.csv"\n', "größe 1.csv": "" },
    ["größe 1.csv"],
  ],
])("includes data if mentioned %s", async (_, files, expected) => {
  const found = await deciding(files);
  const data = Object.keys(files).filter((file) => file !== "makefrag" && file !== "Makefile");
  expect(found.filter((file) => data.includes(file))).toEqual([...expected].sort());
});

/** Two projects in one repository, and files that belong to neither. */
const TWO: Record<string, string> = {
  "a/.oppbuildspec": buildspec(".", "--deep -o sim"),
  "a/src/A.cc": "",
  "b/.oppbuildspec": buildspec(".", "--deep -o sim"),
  "b/B.cc": "",
  "b/B.h": "",
  "common/C.h": "",
  "common/deep/D.cc": "",
  "common/in.xml": "",
  "tools/T.cc": "",
};
const OWN = ["a/.oppbuildspec", "a/src/A.cc"];
const COMMON = ["common/C.h", "common/deep/D.cc"];

it.each<[string, Record<string, string>, string[]]>([
  ["nothing leads out", {}, []],
  ["an option -I", { "a/.oppbuildspec": buildspec(".", "--deep -I../common") }, COMMON],
  ["an option -I with a blank", { "a/.oppbuildspec": buildspec(".", "--deep -I ../common") }, COMMON],
  ["a definition", { "a/.oppbuildspec": buildspec(".", "--deep -KX=../common -I$(X)") }, ["*"]],
  ["an option -L", { "a/.oppbuildspec": buildspec("src", "--deep -L../../common -lx") }, COMMON],
  ["an option -I above", { "a/.oppbuildspec": buildspec(".", "--deep -I..") }, ["*"]],
  ["an option -I with a variable", { "a/.oppbuildspec": buildspec(".", "--deep -I$(HERE)/x") }, ["*"]],
  ["an option -I into OMNeT++", { "a/.oppbuildspec": buildspec(".", "-I$(OMNETPP_ROOT)/src") }, []],
  ["an include", { "a/src/A.cc": '#include "../../common/C.h"\n' }, COMMON],
  ["an include from -I", { "a/src/A.h": "  #  include <../common/C.h>\n" }, ["a/src/A.h", ...COMMON]],
  [
    "an include of the other one",
    { "a/src/A.cc": '#include "../../b/B.h"\n' },
    ["b/.oppbuildspec", "b/B.cc", "b/B.h"],
  ],
  ["an include within", { "a/src/A.cc": '#include "../B.h"\n' }, []],
  [
    "an include of an include",
    { "a/src/A.cc": '#include "../../common/C.h"\n', "common/C.h": '#include "../tools/x.h"\n' },
    [...COMMON, "tools/T.cc"],
  ],
  ["code that opens a file there", { "a/src/A.cc": 'open("../b/in.txt");\n' }, []],
  ["a makefrag", { "a/makefrag": "x:\n\tcp ../common/C.h .\n" }, ["a/makefrag", "common/C.h"]],
  ["a makefrag with data", { "a/makefrag": "x:\n\tgen ../common/in.xml\n" }, ["a/makefrag", "common/in.xml"]],
  [
    "a Makefile that changes folders",
    { "a/Makefile": "x:\n\tcd src && g++ -I../../common A.cc\n" },
    ["a/Makefile", ...COMMON],
  ],
  [
    "a Makefile with a variable",
    { "a/Makefile": "x:\n\tg++ -I$(CURDIR)/../common A.cc\n" },
    ["a/Makefile", ...COMMON],
  ],
  [
    "a Makefile that goes to the top",
    { "a/Makefile": "TOP = $(shell git rev-parse --show-toplevel)\n" },
    ["*"],
  ],
  ["a Makefile that goes above", { "a/Makefile": "x:\n\tcd .. && make\n" }, ["*"]],
  ["a command", { "a/swarm.json": '{"build": ["make -C ../common"]}' }, COMMON],
  [
    "a script that a makefrag calls",
    {
      "a/makefrag": "x:\n\tpython3 gen.py\n",
      "a/gen.py": "open('../common/C.h')",
      "a/plot.sh": "cat ../b/B.h",
    },
    ["a/makefrag", "a/gen.py", "common/C.h"],
  ],
  ["a place that only a build makes", { "a/makefrag": "x:\n\tcp sim ../bin/\n" }, ["a/makefrag"]],
])("of several projects in a repository, follows what leads out of one: %s", async (_, files, expected) => {
  await using repository = await makeRepository({ ...TWO, ...files });
  const all = Object.keys({ ...TWO, ...files }).filter((file) => !/\.(?:xml|json)$/.test(file));
  expect(await sourcesOf(repository, "a")).toEqual(
    expected[0] === "*" ? all.sort() : [...new Set([...OWN, ...expected])].sort(),
  );
});

/** Rules of a Makefile whose text mentions `in.xml` only where a build does not look. */
it.each<[string, string, boolean]>([
  ["a rule for the default goal", "all: X\n\ngen:\n\tgen in.xml\nall: gen\n", true],
  ["a rule for makefiles", "all:\n\tmake\nmakefiles:\n\tgen in.xml\n", true],
  ["a rule of another goal", "all:\n\t$(MAKE) -C src\ndoc:\n\tgen in.xml\n.PHONY: all doc\n", false],
  ["a goal that is declared with a variable", "DOC = doc/x\nall:\n\tcc\n$(DOC).html:\n\tgen in.xml\n", false],
  ["a goal that a variable names", "ALL = doc\nall: $(ALL)\ndoc:\n\tgen in.xml\n", true],
  ["a goal that a recipe names", "all:\n\t+$(MAKE) data MODE=release\ndata:\n\tgen in.xml\n", true],
  ["a goal that may be the value of a variable", "all: x\nx y:\n\t$(MAKE) $(GOAL)\ny:\n\tgen in.xml\n", true],
  ["a pattern", "all: a.h\n%.h:\n\tgen in.xml\n", true],
  ["the source of an implicit rule", "sim: a.o\na.c:\n\tgen in.xml\n", true],
  ["a header that only code names", "sim: a.o\na.h:\n\tgen in.xml\n", true],
  ["the source of a pattern", "sim: a.o\n%.c: %.json\n\tgen\na.json:\n\tgen in.xml\n", true],
  ["a document", "sim: a.o\ndoc.html:\n\tgen in.xml\n", false],
  ["a program that a recipe calls", "sim:\n\tcd tools && ./gen\ntools/gen:\n\tmake-gen in.xml\n", true],
  ["a rule that another one generates", "$(eval $(RULES))\nall:\n\tcc\ndoc:\n\tgen in.xml\n", true],
  ["a variable", "IN = in.xml\nall:\n\tcc\n", true],
  ["a variable of a rule that is not executed", "all:\n\tcc\ndoc: IN = in.xml\n", false],
  ["a condition in a rule", "all:\nifdef X\n\tgen in.xml\nendif\n", true],
  ["a condition in a rule of another goal", "all:\n\tcc\ndoc:\nifdef X\n\tgen in.xml\nendif\n", false],
  ["a continued line", "all: \\\n  gen\ngen: ; \\\n  gen in.xml\n", true],
  ["a default goal that is named", ".DEFAULT_GOAL := doc\nall:\n\tcc\ndoc:\n\tgen in.xml\n", true],
  ["a default goal that another file may name", "include x.mk\nall:\n\tcc\ndoc:\n\tgen in.xml\n", true],
  ["a definition", "all:\n\tcc\ndefine DOC\ndoc:\n\tgen in.xml\nendef\n", true],
  ["a comment", "all:\n\tcc # not in.xml\n# in.xml\n", true],
  ["a comment outside recipes", "all:\n\tcc\nX = 1 # in.xml\n# in.xml\n", false],
  ["a message", "$(info in.xml)\nall:\n\tcc\n", false],
])("reads what a build executes of a Makefile: %s", async (_, makefile, decides) => {
  const files = { Makefile: makefile, "src/makefrag": "", "in.xml": "" };
  expect((await deciding(files)).includes("in.xml")).toBe(decides);
});

it.each<[string, Record<string, string>]>([
  ["a command", { "swarm.json": '{"build": ["make $GOAL"]}' }],
  ["a script with a list of arguments", { makefrag: "X = gen.py\n", "gen.py": 'run(["make", goal])' }],
  ["a script with a continued line", { makefrag: "X = gen.sh\n", "gen.sh": "make -s \\\n  $1\n" }],
  ["a script with the variable of make", { makefrag: "X = gen.sh\n", "gen.sh": "$MAKE $1\n" }],
])("reads all rules of a Makefile if a goal may be any: %s", async (_, files) => {
  const makefile = "all:\n\tcc\ndoc:\n\tgen in.xml\n";
  expect(await deciding({ Makefile: makefile, "in.xml": "", ...files })).toContain("in.xml");
});

it("does not assume that a Makefile's variable has the value that is assigned there", async () => {
  const files = { Makefile: "NAME = a\nall:\n\tgen $(NAME)_table.csv\n", "b_table.csv": "" };
  expect(await deciding(files)).toContain("b_table.csv");
});

it("reads Makefiles in folders in which a build works, and no others of that name", async () => {
  const files = {
    Makefile: "all:\n\tcd src && $(MAKE)\n",
    "doc/src/Makefile": "all:\n\tgen doc.xml\n",
    "src/Makefile": "all:\n\t$(MAKE) -C deep/lib\n",
    "src/deep/lib/Makefile": "all:\n\tgen lib.xml\n",
    "doc.xml": "",
    "lib.xml": "",
  };
  expect((await deciding(files)).filter((file) => file.endsWith(".xml"))).toEqual(["lib.xml"]);
});

it("follows symbolic links of the project, also through another link", async () => {
  await using repository = await makeRepository(TWO);
  await symlink("../../way/deep", path.join(repository.path, "a/src/more"));
  await symlink("common", path.join(repository.path, "way"));
  expect(await sourcesOf(repository, "a")).toEqual([...OWN, "a/src/more", ...COMMON, "way"]);
});

it("leaves out what a build by opp_makemake generates again, and its products", async () => {
  const remade = {
    Makefile: "#  opp_makemake -f --deep -o sim\n",
    "A.msg": "",
    "A_m.cc": "",
    "A_m.h": "",
    "out/gcc-release/A.o": "",
    sim: "",
  };
  await using repository = await makeRepository({
    ...remade,
    ".oppbuildspec": buildspec(".", "--deep -o sim"),
    "B_m.cc": "",
  });
  await repository.git("rm", "-q", "--cached", "Makefile");
  await repository.write({ Makefile: "#  opp_makemake -f --deep -o sim\n" });
  expect(await sourcesOf(repository)).toEqual([".oppbuildspec", "A.msg", "B_m.cc"]);
});

it("includes a generated Makefile that git tracks, because the build uses it", async () => {
  const files = { Makefile: "#  opp_makemake -f --deep -o sim\n", "A.cc": "" };
  await using repository = await makeRepository(files);
  expect(await sourcesOf(repository)).toEqual(["A.cc", "Makefile"]);
});

it("includes nothing of a project without code", async () => {
  await using repository = await makeRepository({ "omnetpp.ini": "", "X.ned": "", X: "" });
  expect(await sourcesOf(repository)).toEqual([]);
});

it("caches what files contain by their content, and does not mix up contents", async () => {
  await using repository = await makeRepository({ ...TWO, "a/src/A.cc": '#include "../../b/B.h"\n' });
  expect(await sourcesOf(repository, "a")).toContain("b/B.cc");
  expect(await sourcesOf(repository, "a")).toContain("b/B.cc");
  await repository.write({ "a/src/A.cc": "" });
  expect(await sourcesOf(repository, "a")).not.toContain("b/B.cc");
});
