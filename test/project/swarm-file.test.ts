import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { UserError } from "../../src/errors.ts";
import { describeProject } from "../../src/project/describe/descriptor.ts";
import { readSwarmFile } from "../../src/project/describe/swarm-file.ts";
import { makeRepository } from "../helpers/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("overrides single entries of the detected description, and leaves the others", async () => {
  await using repository = await makeRepository({
    "a/.oppbuildspec":
      '<buildspec><dir makemake-options="--make-so -o x" path="src" type="makemake"/></buildspec>',
    "a/.nedfolders": "src\n",
    "a/.project": "<projects><project>inet</project></projects>",
    "a/swarm.json": JSON.stringify({
      libraries: ["src/y", "../shared/z"],
      nedExclusions: [],
      ship: ["data"],
      uses: [{ name: "inet", folder: "../inet", variable: "MY_INET" }],
      environment: { DATA: "${project}/data" },
    }),
    "a/study/omnetpp.ini": "",
  });
  const project = await describeProject(repository.path, path.join(repository.path, "a/study"));
  expect(project).toMatchObject({
    name: "a",
    folder: "a",
    nedFolders: ["a/src"],
    nedExclusions: [],
    makemake: [{ folder: "a/src", options: ["--make-so", "-o", "x"] }],
    targets: [
      { kind: "library", folder: "a/src", name: "y" },
      { kind: "library", folder: "shared", name: "z" },
    ],
    commands: undefined,
    ship: ["a/data"],
    environment: { DATA: "${project}/data" },
    needs: [{ name: "inet", variable: "MY_INET", folder: path.join(repository.path, "inet") }],
  });
});

it.each([
  ['{ "nedFolder": [] }', ": nedFolder: unknown entry", "did you mean nedFolders?"],
  ['{ "colour": 1 }', ": colour: unknown entry", /^known entries: \$schema, name, nedFolders, /],
  ['{ "uses": ["inet", { "name": "x", "uri": "y" }] }', ": uses.1.uri: unknown entry", "did you mean url?"],
  ['{ "uses": [3] }', ": uses.0: Invalid type: Expected (string | Object) but received 3", undefined],
  ['{ "uses": [{ "name": 3 }] }', ": uses.0.name: Invalid type: Expected string but received 3", undefined],
  ['{ "uses": [{ "name": "x", "url": "u" }] }', ": uses.0.version: a url needs a version", undefined],
  ['{ "uses": [{ "name": "x", "version": "v" }] }', ": uses.0.url: a version needs a url", undefined],
  [
    '{ "uses": [{ "name": "x", "url": "u", "version": "v", "folder": "f" }] }',
    ": uses.0.folder: give either a folder or a url",
    undefined,
  ],
  ['{ "libraries": "src/x" }', ': libraries: Invalid type: Expected Array but received "src/x"', undefined],
  ['{ "libraries": ["x"], "executable": "y" }', ": executable: give either an executable, or", undefined],
  ['{ "nedFolders": ["src", "/x"] }', ": nedFolders.1: it must be a path relative to the project", undefined],
  ['{ "ship": ["a", "../../b"] }', ": ship.1: it leads out of the checkout", undefined],
  [
    '{ "environment": { "A-B": "" } }',
    ": environment.A-B: it is not a valid name of an environment variable",
    undefined,
  ],
  ["[]", ": it must be an object", undefined],
  ["3", ": it must be an object", undefined],
  ['{\n  "name": "x",\n}', ":3 is not valid JSON: ", undefined],
])("reports what is wrong with %s, and where", async (text, message, hint) => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "swarm.json");
  await writeFile(file, text);
  const error = await readSwarmFile(directory.path, directory.path).then(
    () => undefined,
    (reason: unknown) => reason as UserError,
  );
  expect(error?.name).toBe("UserError");
  expect(error!.message).toContain(file + message);
  if (hint !== undefined) expect(error!.hint).toMatch(hint);
});
