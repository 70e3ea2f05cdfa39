import { expect, it } from "vitest";
import { usesProject } from "../../src/project/describe/uses-project.ts";
import { makeRepository } from "../helpers/git.ts";

const need = { name: "inet-4.5", variable: "INET_ROOT" };
const nothing = {
  "src/X.cc": '#include "x.h" // as in inet\n',
  "src/X.ned": "// import inet.\nsimple inetX {}\n",
};

it.each<[string, Record<string, string>, string[], boolean]>([
  ["nothing", nothing, ["--deep", "-O", "out"], false],
  ["an option that names another one", {}, ["-I../inetmanet/src", "-linetlike"], false],
  ["a folder of headers", {}, ["-I../../inet/src"], true],
  ["a folder of another version", {}, ["-L../../inet4.4/src"], true],
  ["a library", {}, ["-lINET$(D)"], true],
  ["its variable", { Makefile: "all:\n\tmake -C $(INET_ROOT)\n" }, [], true],
  ["its path in a GNUmakefile", { GNUmakefile: "all:\n\tmake -C ../inet\n" }, [], true],
  ["an import", { "sim/Net.ned": "package x;\nimport inet.node.Host;\n" }, [], true],
  ["an included header", { "src/a/Y.h": '  #  include "inet/common/INETDefs.h"\n' }, [], true],
])("%s says whether a project is used", async (_, files, options, isUsed) => {
  await using repository = await makeRepository({ ...nothing, ...files });
  expect(await usesProject(repository.path, [{ folder: "src", options }], need)).toBe(isUsed);
});

it("treats special characters in a name literally", async () => {
  await using repository = await makeRepository({ "Net.ned": "import axb.C;\n" });
  const odd = { name: "a.b (c) [d", variable: "A_B__C___D_ROOT" };
  expect(await usesProject(repository.path, [], odd)).toBe(false);
});
