import { expect, it } from "vitest";
import { findBuildData } from "../../src/project/build/build-data.ts";
import { findBuild } from "../../src/project/describe/find-build.ts";
import { makeRepository } from "../helpers/git.ts";
import type { Files } from "../helpers/projects.ts";

const generated = (options: string): string => `#\n#  opp_makemake ${options}\n#\n`;
const BUILDSPEC =
  '<buildspec><dir path="." type="custom"/><dir makemake-options="--deep" path="src" type="makemake"/></buildspec>';
const DELEGATING = "all:\n\tcd src && $(MAKE)\n";

it.each<[string, Files, object]>([
  ["nothing but code", { "a.cc": "" }, { folders: [{ folder: ".", options: ["--deep"] }] }],
  ["no code", { "a.ned": "" }, { folders: [] }],
  [
    "a generated Makefile",
    { Makefile: generated("-f -o x") },
    { makefile: "generated", folders: [{ folder: ".", options: ["-o", "x"] }] },
  ],
  [
    "a makefile",
    { makefile: generated("-f") },
    { makefile: "generated", folders: [{ folder: ".", options: [] }] },
  ],
  [
    "GNU make's order",
    { GNUmakefile: DELEGATING, Makefile: generated("") },
    { makefile: "written", folders: [] },
  ],
  [
    "a Makefile that leads to others",
    {
      Makefile: "all:\n\t$(MAKE) -C model\n\tcd ./app && make\n",
      "model/Makefile": generated("-s"),
      "app/Makefile": generated("-o a"),
    },
    {
      makefile: "written",
      folders: [
        { folder: "model", options: ["-s"] },
        { folder: "app", options: ["-o", "a"] },
      ],
    },
  ],
  [
    "a build specification",
    { ".oppbuildspec": BUILDSPEC, Makefile: DELEGATING },
    { makefile: "written", folders: [{ folder: "src", options: ["--deep"] }] },
  ],
  [
    "a build specification, and a Makefile for something else",
    { ".oppbuildspec": BUILDSPEC, Makefile: "all:\n\tpython3 plots.py\n" },
    { makefile: undefined, folders: [{ folder: "src", options: ["--deep"] }] },
  ],
  [
    "a Makefile that leads out",
    { Makefile: "all:\n\tcd .. && $(MAKE)\n" },
    { makefile: "written", folders: [] },
  ],
  [
    "OMNeT++'s package for CMake",
    { "CMakeLists.txt": "project(x)\nfind_package(OmnetPP 6 REQUIRED)\n", "a.cc": "" },
    { folders: [], cmake: "omnetpp" },
  ],
  [
    "only CMake",
    { "CMakeLists.txt": "add_executable(x a.cc)\n", "a.cc": "" },
    { folders: [], cmake: "other" },
  ],
  [
    "CMake beside a build specification",
    { "CMakeLists.txt": "", ".oppbuildspec": BUILDSPEC, "a.cc": "" },
    { folders: [{ folder: "src", options: ["--deep"] }] },
  ],
])("finds the build of a project with %s", async (_, files, build) => {
  await using repository = await makeRepository(files);
  expect(await findBuild(repository.path)).toEqual({ makefile: undefined, ...build });
});

it("finds the data that rules name, but no sources, code or binaries", async () => {
  await using repository = await makeRepository({
    makefrag:
      "all: .git/HEAD table.dat maps/a.map $(X).dat ../out.dat\n%.tab: %.txt\n\tgen $< > $@\ngen.cc:\n\tx\n",
    "a.txt": "",
  });
  await repository.write({ "table.dat": "", "maps/a.map": "", "a.tab": "", "gen.cc": "", "junk.dat": "" });
  const project = { folder: "", makemake: [], commands: undefined };
  const isSource = (file: string): boolean => file === "a.txt";
  expect(await findBuildData(repository.path, project, isSource)).toEqual([
    "a.tab",
    "maps/a.map",
    "table.dat",
  ]);
});
