import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { describeFolder } from "../../src/project/describe/descriptor.ts";
import { readOppFile } from "../../src/project/describe/opp-file.ts";
import { parseLiteralCall } from "../../src/project/describe/python-literal.ts";
import { makeRepository } from "../helpers/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("reads a call with literals of every kind", () => {
  const call = parseLiteralCall(`
# as opp_repl writes them
SimulationProject(
    name = 'a "quoted" name',
    ned_folders=["src", "sim" "ulations", r"raw\\d", ],
    text="""two
lines""",
    version=None, threads=-1_000, share=.5e1, on=True, off=False,
    test_parameters={"smoke": {"defaults": {"run_number": 0}}, 'empty': {}},
    pair=("a", 'b\\'c\\n'),  # a comment with ) and "
)
`);
  expect(call.name).toBe("SimulationProject");
  expect(Object.fromEntries(call.arguments)).toEqual({
    name: 'a "quoted" name',
    ned_folders: ["src", "simulations", "raw\\d"],
    text: "two\nlines",
    version: null,
    threads: -1000,
    share: 5,
    on: true,
    off: false,
    test_parameters: { smoke: { defaults: { run_number: 0 } }, empty: {} },
    pair: ["a", "b'c\n"],
  });
});

it.each([
  ['P(name=os.environ["HOME"])', '"." is not a literal', 1],
  ["P(\n  name=f()\n)", "f is not a literal", 2],
  ["P('positional')", "expected a name, found positional", 1],
  ["P(name='open", '"\'" is not a literal', 1],
  ["P(a=1 b=2)", "expected ,, found b", 1],
  ["P(a=[1)", "expected ,, found )", 1],
  ["P(a=1)\nimport os", "expected a end, found import", 2],
  ["P(a=1", "expected ,, found the end", 1],
  ["import os", "expected (, found os", 1],
])("refuses %j", (text, message, line) => {
  expect(() => parseLiteralCall(text)).toThrow(expect.objectContaining({ message, line }) as Error);
});

it("describes a project by its .opp file, in preference to the files that OMNeT++ projects have anyway", async () => {
  await using repository = await makeRepository({
    "model/model.opp": `SimulationProject(name="simu", root_folder=".", library_folder="src", dynamic_libraries=["simu5g"],
      ned_folders=["src", "simulations"], ned_exclusions=["simu5g.cars"], used_projects=["inet"])`,
    "model/other.opp": "OmnetppProject(name='omnetpp')",
    "model/.nedfolders": "elsewhere\n",
    "model/.oppbuildspec": '<buildspec><dir makemake-options="-o x" path="." type="makemake"/></buildspec>',
    "model/.project": "<projects><project>veins</project></projects>",
  });
  expect(await describeFolder(repository.path, path.join(repository.path, "model"))).toMatchObject({
    name: "simu",
    folder: "model",
    nedFolders: ["model/src", "model/simulations"],
    nedExclusions: ["simu5g.cars"],
    targets: [{ kind: "library", folder: "model/src", name: "simu5g" }],
    makemake: [{ folder: "model", options: ["-o", "x"] }],
    needs: [{ name: "inet", variable: "INET_ROOT" }],
  });
});

it.each([
  ['name="a", build_types=["executable"]', [{ kind: "executable", folder: ".", name: "a" }]],
  ['name="a", executables=["b"], bin_folder="bin"', [{ kind: "executable", folder: "bin", name: "b" }]],
  ['name="a", executables=["b"], dynamic_libraries=["c"]', [{ kind: "library", folder: ".", name: "c" }]],
  ['name="a", build_types=["static library"]', []],
  ['name="a"', undefined],
])("reads the products of the build from %s", async (given, targets) => {
  await using directory = await temporaryDirectory();
  await writeFile(path.join(directory.path, ".opp"), `SimulationProject(${given})`);
  expect((await readOppFile(directory.path))?.targets).toEqual(targets);
});

it("ignores files that describe projects elsewhere", async () => {
  await using directory = await temporaryDirectory();
  const write = (name: string, given: string) =>
    writeFile(path.join(directory.path, name), `SimulationProject(name="${name}", ${given})`);
  await mkdir(path.join(directory.path, "inner"));
  await write("a.opp", 'root_folder="inner"');
  await write(
    "b.opp",
    'root_folder_environment_variable="NOWHERE", root_folder_environment_variable_relative_folder="b"',
  );
  expect(await readOppFile(directory.path)).toBeUndefined();
  await write("c.opp", 'root_folder_environment_variable="NOWHERE"');
  expect((await readOppFile(directory.path))?.name).toBe("c.opp");
});

it("reports file and line of an expression that is not a literal", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "x.opp");
  await writeFile(file, "SimulationProject(\n  name=get_name())\n");
  await expect(readOppFile(directory.path)).rejects.toThrow(`${file}:2: get_name is not a literal`);
  await writeFile(file, "SimulationProject(ned_folders='src')\n");
  await expect(readOppFile(directory.path)).rejects.toThrow(
    `${file}: ned_folders: it must be a list of strings`,
  );
});
