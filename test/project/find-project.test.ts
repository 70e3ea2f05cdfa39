import { mkdir } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { chooseProject } from "../../src/project/describe/choose-project.ts";
import { isProject } from "../../src/project/describe/find-project.ts";
import { makeRepository } from "../helpers/git.ts";

const MADE = "# This file was generated with the command:\n#  opp_makemake -f\n";
const IDE =
  "<projectDescription><name>p</name><natures><nature>org.omnetpp.main.omnetppnature</nature></natures>";
const PYTHON = "<projectDescription><natures><nature>org.python.pydev.pythonNature</nature></natures>";

it.each([
  ["the nearest folder that says so", { "a/.nedfolders": "", "a/b/.oppbuildspec": "" }, "a/b"],
  ["swarm.json, even if there is nothing else", { "a/swarm.json": "{}", Makefile: "all:" }, "a"],
  ["an .opp file", { "a/x.opp": "", ".nedfolders": "" }, "a"],
  ["an IDE's project with code", { "a/.project": IDE, "a/src/X.cc": "", ".nedfolders": "" }, "a"],
  [
    "an IDE's project with a Makefile",
    { "a/.project": IDE, "a/src/Makefile": MADE, "swarm.json": "{}" },
    "a",
  ],
  ["no IDE's project without code below another", { "a/b/.project": IDE, "a/.oppbuildspec": "" }, "a"],
  ["an IDE's project without code", { "a/b/.project": IDE, "a/model/X.cc": "" }, "a/b"],
  ["no project of Python's IDE", { "a/b/.project": PYTHON, "a/src/X.cc": "" }, "a"],
  ["a Makefile of opp_makemake", { "a/b/Makefile": MADE, "a/b/x.cc": "" }, "a/b"],
  [
    "a Makefile of opp_makemake in src",
    { "a/src/Makefile": MADE, "a/src/x.cc": "", "a/b/Makefile": MADE },
    "a",
  ],
  ["a makefile", { "a/makefile": "all:", "a/x.cc": "", "x.cc": "" }, "a"],
  ["a GNUmakefile", { "a/GNUmakefile": "all:", "a/x.cc": "", "x.cc": "" }, "a"],
  ["no Makefile for something else", { "a/b/Makefile": "plots:", "a/.nedfolders": "" }, "a"],
  ["a handwritten Makefile", { "a/Makefile": "all:", "a/model/y/Y.cc": "", "x.cc": "" }, "a"],
  ["the nearest folder with code", { "a/b/omnetpp.ini": "", "a/src/X.cc": "", "y/Y.cc": "" }, "a"],
  ["any Makefile, if nothing else decides", { "a/Makefile": "all:" }, "a"],
  ["the top level", { "a/b/omnetpp.ini": "", "y/Y.cc": "" }, ""],
])("finds the root of a project: %s", async (_, files, root) => {
  await using repository = await makeRepository({ ...files, "a/b/study/omnetpp.ini": "" });
  const { root: found } = await chooseProject(repository.path, path.join(repository.path, "a/b/study"));
  expect(path.relative(repository.path, found)).toBe(root);
});

const ROOTS = [".oppbuildspec", ".nedfolders", ".oppfeatures", "swarm.json", "x.opp", ".project"];

it.each(ROOTS.map((name) => [name]))("prefers %s to a Makefile left in an example folder", async (name) => {
  const files = { [`a/${name}`]: "", "a/model/X.cc": "", "a/b/Makefile": MADE, "a/b/study/makefile": MADE };
  await using repository = await makeRepository({ ...files, "a/b/study/omnetpp.ini": "" });
  const { root: found } = await chooseProject(repository.path, path.join(repository.path, "a/b/study"));
  expect(path.relative(repository.path, found)).toBe("a");
});

it.each([
  ["the only one of the checkout", { "model/.oppbuildspec": "" }, [], "model"],
  ["one far down", { "a/b/c/model/.nedfolders": "" }, [], "a/b/c/model"],
  ["the outer one of two", { "model/.oppbuildspec": "", "model/x/.oppbuildspec": "" }, [], "model"],
  ["the one that needs the other", { "cell/.project": refers("lib"), "lib/.nedfolders": "" }, [], "cell"],
  ["the one that a path leads into", { "a/.nedfolders": "", "b/.nedfolders": "" }, ["b/src/b"], "b"],
  ["the needing one of two that paths lead into", named("a", "b"), ["a/src", "b/src"], "b"],
  ["a Makefile above several", { "a/.nedfolders": "", "b/.nedfolders": "", Makefile: "all:" }, [], ""],
  ["the only one, though there is a Makefile for plots", { "a/.nedfolders": "", Makefile: "all:" }, [], "a"],
])("assigns a study outside of a project's folder to %s", async (_, files, leads, root) => {
  await using repository = await makeRepository({ ...files, "studies/x/omnetpp.ini": "" });
  const { path: top } = repository;
  const paths = leads.map((each) => path.join(top, each));
  const { root: found } = await chooseProject(top, path.join(top, "studies/x"), () => Promise.resolve(paths));
  expect(path.relative(top, found)).toBe(root);
});

function refers(name: string): string {
  return `<name>this</name><projects><project>${name}</project></projects>`;
}

function named(library: string, model: string): Record<string, string> {
  return {
    [`${library}/.nedfolders`]: "",
    [`${model}/.nedfolders`]: "",
    [`${model}/.project`]: refers(library),
    "c/.nedfolders": "",
  };
}

it("requires a choice if several projects are possible, also when a path is dangling", async () => {
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`p${at + 10}/.nedfolders`, ""]));
  await using repository = await makeRepository({ ...files, "studies/x/omnetpp.ini": "" });
  const { path: top } = repository;
  await mkdir(path.join(top, "clone/.git"), { recursive: true });
  await repository.write({ "clone/.nedfolders": "" }); // a nested repository is not part of this one
  const study = path.join(top, "studies/x");
  await expect(chooseProject(top, study, () => Promise.resolve(["/elsewhere"]))).rejects.toThrow(
    `${study} is not in a project, and the checkout has 12 projects: ../../p10, ../../p11, ../../p12, ../../p13, ` +
      "../../p14, ../../p15, ../../p16, ../../p17, ../../p18, ../../p19, and 2 more",
  );
});

it("recognizes a project in the IDE's usual form as one that others can need", async () => {
  await using repository = await makeRepository({ "src/GNUmakefile": "all:" });
  expect(await isProject(repository.path)).toBe(true);
  expect(await isProject(path.join(repository.path, ".git"))).toBe(false);
});
