import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { withExported, withNeeded } from "../../src/project/build/dependency-options.ts";
import { describeFolder } from "../../src/project/describe/descriptor.ts";
import { findDependency } from "../../src/project/describe/find-dependency.ts";
import { variableOf, type Need } from "../../src/project/describe/needs.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

afterEach(() => vi.unstubAllEnvs());

/** Files below a directory, with their folders. */
async function write(top: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(top, name)), { recursive: true });
    await writeFile(path.join(top, name), text);
  }
}

const inet: Need = { name: "inet", variable: "INET_ROOT", statedIn: "/p/.project" };

it.each([
  ["inet", "INET_ROOT"],
  ["inet-4.5.4", "INET_ROOT"],
  ["inet4.5", "INET_ROOT"],
  ["Simu5G", "SIMU5G_ROOT"],
  ["veins_inet", "VEINS_INET_ROOT"],
])("finds the folder of %s in %s", (name, variable) => expect(variableOf(name)).toBe(variable));

it.each([
  ["its name", { "inet/.nedfolders": "", "inet-4.4/.nedfolders": "" }, "inet"],
  ["its name in other letters", { "INET/.nedfolders": "" }, "INET"],
  ["its name in the IDE", { "src45/.project": "<name>inet</name>", "inet/README": "" }, "src45"],
  ["its name and a version", { "inet-4.5.4/.oppbuildspec": "", "inetgpl/.nedfolders": "" }, "inet-4.5.4"],
])("finds a project beside the one that needs it by %s", async (_, files, found) => {
  await using directory = await temporaryDirectory();
  await write(directory.path, { ...files, "cell/.nedfolders": "" });
  const root = path.join(directory.path, "cell");
  expect(await findDependency(inet, root, root)).toBe(path.join(directory.path, found));
});

it("finds a project beside the checkout, and before that where the environment names it", async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path, { "inet/.nedfolders": "", "other/.nedfolders": "", "top/a/b/.nedfolders": "" });
  const top = path.join(directory.path, "top");
  expect(await findDependency(inet, path.join(top, "a/b"), top)).toBe(path.join(directory.path, "inet"));
  await symlink("other", path.join(directory.path, "link"));
  vi.stubEnv("INET_ROOT", path.join(directory.path, "link"));
  expect(await findDependency(inet, path.join(top, "a/b"), top)).toBe(path.join(directory.path, "other"));
  vi.stubEnv("INET_ROOT", top);
  await expect(findDependency(inet, path.join(top, "a/b"), top)).rejects.toThrow(
    `/p/.project needs the project inet: INET_ROOT is ${top}, which is not a project`,
  );
});

it("asks which of several projects is meant", async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path, {
    "inet-4.4/.nedfolders": "",
    "inet-4.5/.nedfolders": "",
    "cell/.nedfolders": "",
  });
  const root = path.join(directory.path, "cell");
  await expect(findDependency(inet, root, root)).rejects.toThrow(
    `which could be any of ${path.join(directory.path, "inet-4.4")}, ${path.join(directory.path, "inet-4.5")}`,
  );
});

it("finds needed projects in the arguments of opp_makemake and in what the Makefile reads", async () => {
  await using directory = await temporaryDirectory();
  const root = path.join(directory.path, "cell");
  await write(directory.path, {
    "inet4.5/.nedfolders": "",
    "veins/.nedfolders": "",
    "cell/.oppbuildspec":
      '<buildspec><dir makemake-options="-KINET4_5_PROJ=../../inet4.5 -KX_PROJ=../../none" path="src" type="makemake"/></buildspec>',
    "cell/Makefile": "all:\n\tmake -I$(VEINS_ROOT)/src -I${INET_ROOT}/src -I$(NOWHERE_ROOT) -I$(CELL_ROOT)\n",
    "cell/.project": "<name>cell</name><projects>\n<project>inet</project>\n</projects>",
  });
  vi.stubEnv("VEINS_ROOT", path.join(directory.path, "veins"));
  vi.stubEnv("CELL_ROOT", root);
  const { needs } = await describeFolder(root, root);
  expect(needs.map(({ name, variable, folder }) => [name, variable, folder])).toEqual([
    ["inet", "INET_ROOT", path.join(directory.path, "inet4.5")],
    ["x", "X_ROOT", undefined],
    ["veins", "VEINS_ROOT", path.join(directory.path, "veins")],
  ]);
});

it("writes paths into a needed project with its variable", () => {
  const options = [
    "--make-so",
    "-I../../inet/src",
    "-I",
    "/u/inet/src/inet",
    "-KINET_PROJ=/u/inet",
    "-L../x",
    "-I.",
  ];
  const recipe = { kind: "makemake" as const, folders: [{ folder: "src", options }] };
  const needed = { variable: "INET_ROOT", root: "/u/inet" };
  expect(withNeeded(recipe, "/u/cell", [needed])).toEqual({
    kind: "makemake",
    folders: [
      {
        folder: "src",
        options: [
          "--make-so",
          "-I$(INET_ROOT)/src",
          "-I",
          "$(INET_ROOT)/src/inet",
          "-KINET_PROJ=$(INET_ROOT)",
          "-L../x",
          "-I.",
        ],
      },
    ],
  });
});

it("adds the headers and libraries of needed projects, as the IDE does", () => {
  const needed = [{ variable: "INET_ROOT", libraries: ["src/INET"] }];
  expect(withExported(["--deep"], needed)).toEqual([
    "--deep",
    "-I$(INET_ROOT)/src",
    "-L$(INET_ROOT)/src",
    "-lINET$(D)",
  ]);
  expect(withExported(["-lINET$(D)"], needed)).toEqual(["-lINET$(D)"]);
});
