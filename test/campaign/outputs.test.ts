import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { planOutputs, refuseAppending } from "../../src/campaign/plan/outputs.ts";
import type { RunOutputs } from "../../src/omnetpp/expand.ts";
import { parseSimulationArguments } from "../../src/omnetpp/opp-args.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

type Values = RunOutputs["values"];

/** A checkout `project` with the study `project/study`, in a folder of its own. */
async function place() {
  const temporary = await temporaryDirectory();
  const top = path.join(temporary.path, "project");
  const study = path.join(top, "study");
  await mkdir(path.join(study, "sub"), { recursive: true });
  const plan = (
    each: Values[],
    { argv = [] as string[], appends = [] as RunOutputs["appends"], config = {} } = {},
  ) =>
    planOutputs(
      {
        runs: each.map((_, runNumber) => ({
          config: "General",
          runNumber,
          iterationVariables: {},
          repetition: runNumber,
        })),
        outputs: each.map((values, runNumber) => ({ runNumber, values, appends })),
        configuration: new Map(Object.entries(config)),
        seedsFollowRunNumbers: false,
      },
      { top, study, args: parseSimulationArguments(argv) },
    );
  return {
    base: temporary.path,
    top,
    study,
    plan,
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

it("puts the results of a study into results, and nothing outside", async () => {
  await using at = await place();
  expect(await at.plan([{}, {}])).toMatchObject({
    resultDirectory: path.join(at.study, "results"),
    outside: [],
    forWorkers: { iniFolder: "." },
    runsAlone: false,
  });
});

it("resolves default names against the folder of the first ini file", async () => {
  await using at = await place();
  const { resultDirectory, forWorkers } = await at.plan([{}], { argv: ["-f", "sub/omnetpp.ini"] });
  expect(resultDirectory).toBe(path.join(at.study, "sub/results"));
  expect(forWorkers.iniFolder).toBe("sub");
});

it.each([
  ["of each run in a folder of its own", [{ "result-dir": "res/1" }, { "result-dir": "res/2" }], "study/res"],
  [
    "of runs in folders beside each other",
    [{ "result-dir": "res-1" }, { "result-dir": "res-2" }],
    "study/res-1",
  ],
  ["in the study", [{ "result-dir": "." }], "study"],
  ["beside the study", [{ "result-dir": "../results" }], "results"],
  ["by file names only", [{ "output-scalar-file": "../r/a.sca", "output-vector-file": "../r/a.vec" }], "r"],
  ["with scalars elsewhere", [{ "output-scalar-file": "own/a.sca" }], "study/results"],
] satisfies [string, Values[], string][])("has the records of results %s", async (_, values, folder) => {
  await using at = await place();
  expect((await at.plan(values)).resultDirectory).toBe(path.join(at.top, folder));
});

it("reports what is written outside of the checkout", async () => {
  await using at = await place();
  const { outside, forWorkers } = await at.plan([
    { "result-dir": "../../res", "output-scalar-file": `${at.base}/scalars/a.sca` },
  ]);
  expect(outside).toEqual([`${at.base}/res/`, `${at.base}/scalars/a.sca`]);
  expect(forWorkers).toMatchObject({ mapsPaths: true, ownOutputFiles: ["result-dir", "output-scalar-file"] });
});

it("resolves file names against the ini file that contains them, also if it is included", async () => {
  await using at = await place();
  await writeFile(path.join(at.study, "omnetpp.ini"), "[General]\ninclude sub/more.ini\n");
  await writeFile(path.join(at.study, "sub/more.ini"), "include ../../../far/base.ini\n");
  const { outside } = await at.plan([{ "eventlog-file": "../x.elog" }]);
  expect(outside).toEqual([`${at.base}/x.elog`]); // the path that base.ini refers to
  expect(
    (await at.plan([{ "eventlog-file": "../x.elog" }], { argv: ["--eventlog-file=../x.elog"] })).outside,
  ).toEqual([]);
});

it.each(["..", "../..", "../../..", "/"])(
  "refuses a result directory outside of the checkout that contains the project: %s",
  async (folder) => {
    await using at = await place();
    const planning = at.plan([{ "result-dir": folder }]);
    if (folder === "..") expect((await planning).resultDirectory).toBe(at.top);
    else await expect(planning).rejects.toThrow("contains the project itself");
  },
);

it.each(["../.git/results", "x/.swarm", "../.GIT"])("refuses the result directory %s", async (folder) => {
  await using at = await place();
  await expect(at.plan([{ "result-dir": folder }])).rejects.toThrow("cannot store results in");
});

it("follows the user's own link to another disk", async () => {
  await using at = await place();
  await mkdir(path.join(at.base, "disk"));
  await symlink(path.join(at.base, "disk"), path.join(at.study, "results"));
  const { outside, forWorkers, resultDirectory } = await at.plan([{}]);
  expect(outside).toEqual([`${at.base}/disk/`]);
  expect(forWorkers.openedLinks).toEqual(["study/results"]);
  expect(resultDirectory).toBe(path.join(at.study, "results"));
});

it("refuses a dangling link, and one to the user's home", async () => {
  await using at = await place();
  await symlink(path.join(at.base, "gone"), path.join(at.study, "results"));
  await expect(at.plan([{}])).rejects.toThrow("a dangling symbolic link");
});

it("refuses files to which several runs append", async () => {
  await using at = await place();
  const values = { "output-scalar-file": "results/all.sca" };
  await expect(at.plan([values, values], { appends: ["output-scalar-file"] })).rejects.toThrow(
    "output-scalar-file-append is true, and several runs append to",
  );
});

it("refuses to append to existing files, when the run is about to be queued", async () => {
  await using at = await place();
  const own = await at.plan(
    [{ "output-scalar-file": "results/0.sca" }, { "output-scalar-file": "results/1.sca" }],
    {
      appends: ["output-scalar-file"],
    },
  );
  const byDefault = await at.plan([{}], { appends: ["output-vector-file"] });
  refuseAppending(own.appendedTo, new Set([0, 1]));
  refuseAppending(byDefault.appendedTo, new Set([0]));
  await mkdir(path.join(at.study, "results"));
  await writeFile(path.join(at.study, "results/1.sca"), "");
  await writeFile(path.join(at.study, "results/General-x#0.vec"), "");
  refuseAppending(own.appendedTo, new Set([0]));
  expect(() => refuseAppending(own.appendedTo, new Set([0, 1]))).toThrow("1.sca exists");
  expect(() => refuseAppending(byDefault.appendedTo, new Set([0]))).toThrow("General-x#0.vec exists");
  refuseAppending(byDefault.appendedTo, new Set());
});

it("has workers query the output file of a run only if it cannot be derived from the run's result files", async () => {
  await using at = await place();
  const both = { "output-scalar-file": "a.sca", "output-vector-file": "a.vec" };
  expect((await at.plan([both])).forWorkers.asksOutputFile).toBe(true);
  expect((await at.plan([{ "cmdenv-output-file": "a.out" }])).forWorkers.asksOutputFile).toBe(true);
  expect(
    (await at.plan([both], { config: { "cmdenv-redirect-output": "true" } })).forWorkers,
  ).not.toHaveProperty("asksOutputFile");
  expect((await at.plan([{}], { config: { "cmdenv-redirect-output": "true" } })).runsAlone).toBe(true);
});

it("reports to workers that names contain host and process id, and to the plan which files are configured", async () => {
  await using at = await place();
  const values = [0, 1].map((run) => ({
    "cmdenv-output-file": `logs/${run}.out`,
    "eventlog-file": "all.elog",
  }));
  const { files, forWorkers } = await at.plan(values, { config: { "fname-append-host": "true" } });
  expect(forWorkers.appendsHost).toBe(true);
  expect(files.map((file) => path.relative(at.study, file)).sort()).toEqual([
    "all.elog",
    "logs/0.out",
    "logs/1.out",
  ]);
  expect((await at.plan(values)).forWorkers).not.toHaveProperty("appendsHost");
});

it("refuses paths in parameters that differ on a worker: an absolute result directory, and an ini file elsewhere", async () => {
  await using at = await place();
  const directory = path.join(at.base, "res");
  const values = { "result-dir": directory };
  const config = (value: string) => ({ "result-dir": `"${directory}"`, "Net.x.file": value });
  const elsewhere = ["-f", "sub/omnetpp.ini"];
  await expect(
    at.plan([values], { argv: elsewhere, config: config(`"${directory}/x.pcap"`) }),
  ).rejects.toMatchObject({
    message: expect.stringContaining(
      `Net.x.file has the absolute result directory ${directory} in it`,
    ) as string,
    hint: expect.stringContaining("start runall-swarm in the folder of the ini file") as string,
  });
  await at.plan([values], { config: config(`"${directory}/x.pcap"`) });
  await at.plan([values], { argv: elsewhere, config: config('"x.pcap"') });
  const scalars = { "result-dir": `"${directory}"`, "output-scalar-file": `"${directory}/a.sca"` };
  await at.plan([values], { argv: elsewhere, config: scalars });
});
