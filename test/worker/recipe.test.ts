import { expect, it } from "vitest";
import type { BuildRequest, Recipe } from "../../src/model/build.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { buildSteps } from "../../src/worker/build/recipe.ts";
import { makeRepository } from "../helpers/git.ts";

const make = "make MODE=debug -j3";
const makemake = (...options: string[]): Recipe => ({
  kind: "makemake",
  folders: [{ folder: "src", options }],
});

it.each<[string, Record<string, string>, Recipe, string[]]>([
  ["nothing", { "X.ned": "" }, { kind: "none" }, []],
  ["a Makefile", { Makefile: "all:" }, { kind: "make", folder: "" }, [make]],
  [
    "one that makes others",
    { Makefile: "makefiles: x" },
    { kind: "make", folder: "" },
    ["make makefiles", make],
  ],
  [
    "configure",
    { configure: "", Makefile: "makefiles:" },
    { kind: "configure", folder: "" },
    ["./configure", make],
  ],
  [
    "its commands",
    { a: "" },
    { kind: "commands", folder: "", commands: ["./b $MODE", "c"] },
    ["./b $MODE", "c"],
  ],
  ["opp_makemake", { a: "" }, makemake("--deep", "-o", "x"), ["opp_makemake -f --deep -o x", make]],
  [
    "opp_makemake with features",
    { ".oppfeatures": '<features definesFile="src/f.h"/>' },
    makemake("-s"),
    ["opp_featuretool defines >src/f.h", "opp_makemake -f -s $(opp_featuretool options -f -l)", make],
  ],
])("builds by %s", async (_, files, recipe, titles) => {
  await using repository = await makeRepository(files);
  const request: BuildRequest = {
    protocol: PROTOCOL,
    source: { commit: "a".repeat(40) },
    sourcesHash: "",
    checkoutName: "x",
    project: "",
    recipe,
    mode: "debug",
    omnetpp: { version: "6.2.0" },
  };
  const steps = await buildSteps(request, repository.path, { jobs: 3, dependencies: [] });
  expect(steps.map(({ title, command, args }) => title ?? [command, ...args].join(" "))).toEqual(titles);
});
