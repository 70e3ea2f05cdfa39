import path from "node:path";
import { expect, it } from "vitest";
import { namedPaths } from "../../src/campaign/plan/named-paths.ts";
import { parseSimulationArguments } from "../../src/omnetpp/opp-args.ts";
import { makeRepository } from "../helpers/git.ts";

it("names the paths of the command line and of all ini files, relative to their folders", async () => {
  await using repository = await makeRepository({
    "x/omnetpp.ini": "include ../common/all.ini\nload-libs = ../lib/a b\n# ned-path = ../no\n",
    "common/all.ini": "[General]\nned-path = .;../model/src # ../no\ninclude ../x/omnetpp.ini\n",
  });
  const study = path.join(repository.path, "x");
  const args = parseSimulationArguments([
    "-n",
    "../ned;..:.",
    "-l",
    "../lib/c",
    "-l",
    "plain",
    "--ned-path=../typed",
  ]);
  const found = await namedPaths(study, "../bin/run", args);
  expect(found.map((file) => path.relative(repository.path, file)).sort()).toEqual([
    "", "bin/run", "common/all.ini", "lib/a", "lib/c", "model/src", "ned", "typed", "x/omnetpp.ini",
  ]); // prettier-ignore
  expect(await namedPaths(study, "run", parseSimulationArguments(["-f", "none.ini"]))).toEqual([
    path.join(study, "none.ini"),
  ]);
});
