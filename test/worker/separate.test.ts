import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { endedParts } from "../../src/worker/execute/batch-runs.ts";
import { separate } from "../../src/worker/execute/separate.ts";
import { CmdenvOutput } from "../../src/omnetpp/cmdenv-output.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const recorded = fileURLToPath(new URL("../fixtures/omnetpp/cmdenv", import.meta.url));
const runs = [0, 5, 9].map((runNumber) => ({
  config: "PureAlohaExperiment",
  runNumber,
  iterationVariables: {},
  repetition: 0,
}));

const recordedOutput = (version: string): string => path.join(recorded, version, "batch-of-three.stdout.txt");

/** The result of separating the recorded output of runs 0, 5 and 9 and these files, each with the number of its run. */
async function separated(version: string, files: Record<string, number | string>) {
  await using directory = await temporaryDirectory();
  const output = await readFile(recordedOutput(version), "utf8");
  const ids = new Map(
    [...output.matchAll(/runID=(PureAlohaExperiment-(\d+)-\S+)/g)].map((m) => [m[2], m[1]]),
  );
  await mkdir(path.join(directory.path, "results"));
  for (const [name, run] of Object.entries(files)) {
    const text =
      typeof run === "string" ? run : `version 3\nrun ${ids.get(String(run))}\nattr repetition 0\n`;
    await writeFile(path.join(directory.path, "results", name), text);
  }
  const written = Object.keys(files).map((name) => ({ path: `results/${name}`, sizeBytes: 1 }));
  const runIds = parts(version).map(({ runId }) => runId);
  return separate(directory.path, runIds, written)?.map((each) => each.map((file) => file.path));
}

/** The runs of the recorded process. */
function parts(version: string, made = runs) {
  const output = new CmdenvOutput();
  const file = recordedOutput(version);
  output.write(readFileSync(file, "utf8"));
  const usage = { wallTimeMs: 1 };
  const process = { exitCode: 0, signal: null, timedOut: false, cancelled: false, outOfMemory: false };
  const end = { ...process, omittedOutputBytes: 0, usage };
  return endedParts(output, made, { end, printed: { file } })!;
}

describe.each(["6.2.0", "7.0.0pre2"])("three runs in one process of OMNeT++ %s", (version) => {
  it("have files of their own, by the run that is named in them", async () => {
    const files = await separated(version, {
      "c.sca": 9,
      "a.vec": 0,
      "b.sca": 5,
      "a.sca": 0,
      "b.vec": 5,
      "c.vec": 9,
    });
    expect(files).toEqual([
      ["results/a.vec", "results/a.sca"],
      ["results/b.sca", "results/b.vec"],
      ["results/c.sca", "results/c.vec"],
    ]);
  });

  it("have each the output that they would have printed alone", () => {
    for (const [at, { text: output, outcome }] of parts(version).entries()) {
      expect(outcome.state).toBe("done");
      expect(output).toMatch(/^OMNeT\+\+ Discrete Event Simulation[^]*\nSetting up Cmdenv/);
      expect(output.match(/^Preparing for .*$/gm)).toEqual([
        `Preparing for running configuration PureAlohaExperiment, run #${runs[at]!.runNumber}...`,
      ]);
      expect(output.match(/^<!> .*$/gm)).toHaveLength(1);
      expect(output).toMatch(/\n\nEnd\.\n$/);
      expect(output).not.toContain("Run statistics");
    }
  });

  it.each<[string, Record<string, number | string>]>([
    ["a file says nothing", { "a.sca": 0, "b.sca": 5, "c.sca": 9, "log.txt": "hello\n" }],
    [
      "a result file is of another process",
      { "a.sca": 0, "b.sca": 5, "c.sca": "version 3\nrun Other-9-x\n" },
    ],
    ["a file was written by all", { "all.sca": 9 }],
    ["a file was written by all beside others", { "all.sca": 9, "a.vec": 0, "b.vec": 5, "c.vec": 9 }],
    ["no run has written one", {}],
  ])("cannot be separated if %s", async (_, files) => {
    expect(await separated(version, files)).toBeUndefined();
  });

  it("cannot be separated if the output is of other runs", () => {
    expect(parts(version, runs.slice(0, 2))).toBeUndefined();
  });
});
