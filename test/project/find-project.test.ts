import path from "node:path";
import { expect, it } from "vitest";
import { findProject } from "../../src/project/find-project.ts";
import { makeRepository } from "../helpers/git.ts";

const MADE = "# This file was generated with the command:\n#  opp_makemake -f\n";

it.each([
  ["the nearest folder that says so", { "a/.nedfolders": "", "a/b/.oppbuildspec": "" }, "a/b"],
  ["swarm.json, though it be the only word", { "a/swarm.json": "{}", Makefile: "all:" }, "a"],
  ["an .opp file", { "a/x.opp": "", ".nedfolders": "" }, "a"],
  ["a Makefile of opp_makemake", { "a/b/Makefile": MADE, ".nedfolders": "" }, "a/b"],
  ["no Makefile for something else", { "a/b/Makefile": "plots:", "a/.nedfolders": "" }, "a"],
  ["a Makefile that somebody wrote, where nothing else is said", { "a/Makefile": "all:", "x.cc": "" }, "a"],
  ["the nearest folder with code", { "a/b/omnetpp.ini": "", "a/src/X.cc": "", "y/Y.cc": "" }, "a"],
  ["the top level", { "a/b/omnetpp.ini": "", "y/Y.cc": "" }, ""],
])("the root of a project is that of %s", async (_, files, root) => {
  await using repository = await makeRepository({ ...files, "a/b/study/omnetpp.ini": "" });
  const found = await findProject(repository.path, path.join(repository.path, "a/b/study"));
  expect(path.relative(repository.path, found)).toBe(root);
});
