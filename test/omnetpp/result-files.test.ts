import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { pidIn, withHost } from "../../src/omnetpp/host-names.ts";
import {
  extensionOf,
  isNamelessIndex,
  isOverwritten,
  isRecorded,
  isScalarFile,
  runIdIn,
  runIdOf,
} from "../../src/omnetpp/result-files.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it.each([
  ["results/A-#0.sca", { overwritten: true, recorded: true, scalars: true, nameless: false }],
  ["A-#0.vci", { overwritten: true, recorded: true, scalars: false, nameless: false }],
  ["A-#0.out", { overwritten: true, recorded: false, scalars: false, nameless: false }],
  ["results/.vci", { overwritten: true, recorded: false, scalars: false, nameless: true }],
  ["a.scary", { overwritten: false, recorded: false, scalars: false, nameless: false }],
])("knows what %s is by its name", (file, { overwritten, recorded, scalars, nameless }) => {
  expect([isOverwritten(file), isRecorded(file), isScalarFile(file), isNamelessIndex(file)]).toEqual([
    overwritten,
    recorded,
    scalars,
    nameless,
  ]);
});

it("gives the output of a run the extension that opp_runall gives it", () => {
  expect(extensionOf("cmdenv-output-file")).toBe(".out");
});

it.each([
  ["version 3\nrun A-0-20260101-10:00:00-77\nattr configname A\n", "A-0-20260101-10:00:00-77"],
  ["version 3\nattr run A\n", undefined],
  ["run two words\n", undefined],
  ["", undefined],
])("reads the id of the run from %j", (head, id) => expect(runIdIn(head)).toBe(id));

it("reads it from plain files of results alone, among their first lines", async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => path.join(directory.path, name);
  const text = "version 3\nrun A-0-x\n";
  await writeFile(at("a.sca"), text);
  await writeFile(at("late.vec"), "# a comment\n".repeat(200) + text);
  await writeFile(at("a.txt"), text);
  await symlink("a.sca", at("link.sca"));
  await mkdir(at("folder.sca"));
  const names = ["a.sca", "late.vec", "a.txt", "link.sca", "folder.sca"];
  expect(names.map((name) => runIdOf(at(name)))).toEqual([
    "A-0-x",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

it("puts the host and the process id into a name, and finds them there", () => {
  const file = withHost("results/A-#0.sca", "node-1.lab", 4711);
  expect(file).toBe("results/A-#0.node-1.lab.4711.sca");
  expect(pidIn(file, "node-1.lab")).toBe("4711");
  expect(pidIn("results/A-#0.sca", "node-1.lab")).toBeUndefined();
  expect(pidIn("results/A-#0.node-1.lab.47x.sca", "node-1.lab")).toBeUndefined();
});
