import path from "node:path";
import { expect, it } from "vitest";
import { describeProject } from "../../src/project/describe/descriptor.ts";
import { targetFile } from "../../src/omnetpp/targets.ts";
import { makeRepository } from "../helpers/git.ts";

const BUILDSPEC =
  '<buildspec><dir makemake-options="--make-so --deep -o INET" path="src" type="makemake"/></buildspec>';

it("finds the nearest project above the study and its own description", async () => {
  await using repository = await makeRepository({
    "inet/.oppbuildspec": BUILDSPEC,
    "inet/.nedfolders": "src\nexamples\n\n-src/excluded\n",
    "inet/.oppfeaturestate": "<features/>",
    "inet/examples/ber/omnetpp.ini": "",
    Makefile: "all:",
  });
  const project = await describeProject(repository.path, path.join(repository.path, "inet/examples/ber"));
  expect(project).toEqual({
    name: "inet",
    folder: "inet",
    reason: "it has .oppbuildspec, .nedfolders",
    nedFolders: ["inet/src", "inet/examples"],
    makemake: [{ folder: "inet/src", options: ["--make-so", "--deep", "-o", "INET"] }],
    makefile: undefined,
    targets: [{ kind: "library", folder: "inet/src", name: "INET" }],
    isDeclared: false,
    isOtherCmake: false,
    nedExclusions: undefined,
    commands: undefined,
    stateFiles: { ".oppfeaturestate": "<features/>" },
    ship: [],
    environment: {},
    needs: [],
  });
});

it("reads the header of a Makefile that opp_makemake wrote, and names the program after the folder", async () => {
  await using repository = await makeRepository({
    "aloha/Makefile": "#\n# This file was generated with the command:\n#  opp_makemake -f --deep\n#\n",
  });
  const project = await describeProject(repository.path, path.join(repository.path, "aloha"));
  expect(project.targets).toEqual([{ kind: "executable", folder: "aloha", name: "aloha" }]);
  expect(project.nedFolders).toEqual(["aloha"]);
});

it("uses the git top level if nothing describes a project", async () => {
  await using repository = await makeRepository({ "a/omnetpp.ini": "" });
  expect(await describeProject(repository.path, path.join(repository.path, "a"))).toMatchObject({
    folder: "",
    nedFolders: [""],
    targets: [],
  });
});

it("does not search above the checkout", async () => {
  await using repository = await makeRepository({ "a/omnetpp.ini": "", Makefile: "" });
  const inner = path.join(repository.path, "a");
  expect((await describeProject(inner, inner)).folder).toBe("");
});

it.runIf(process.platform === "linux").each([
  ["library", "release", "src/libINET.so"],
  ["library", "debug", "src/libINET_dbg.so"],
  ["executable", "release", "src/INET"],
  ["executable", "debug", "src/INET_dbg"],
] as const)("names the file of a %s in %s mode: %s", (kind, mode, file) => {
  expect(targetFile({ kind, folder: "src", name: "INET" }, mode)).toBe(file);
});

it.each([
  ["the root", { "a.ned": "", "src/b.ned": "" }, [""]],
  [
    "src and simulations, as the IDE notes it",
    { "src/package.ned": "package m;\n", "simulations/b.ned": "" },
    ["src", "simulations"],
  ],
  [
    "src and simulations, if the NED files of src are in folders",
    { "src/model/b.ned": "package model;\n", "simulations/c.ned": "" },
    ["src", "simulations"],
  ],
  ["only src", { "src/b.ned": "simple B {}\n" }, ["src"]],
  [
    "the root, from which the packages are counted",
    { "src/package.ned": "package src;\n", "simulations/b.ned": "package simulations;\n" },
    [""],
  ],
  ["the root, if there is no NED file", { "src/b.cc": "" }, [""]],
])("uses these NED folders without .nedfolders: %s", async (_, files, folders) => {
  await using repository = await makeRepository({ "swarm.json": "{}", ...files });
  expect((await describeProject(repository.path, repository.path)).nedFolders).toEqual(folders);
});
