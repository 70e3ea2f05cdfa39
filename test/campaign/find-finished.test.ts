import { createHash } from "node:crypto";
import { cp, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { findFinished, shiftWarning } from "../../src/campaign/run/find-finished.ts";
import { recordFile, writeRecord } from "../../src/campaign/collect/records.ts";
import type { RunRecord } from "../../src/model/result.ts";
import type { Run } from "../../src/model/run.ts";
import { makeFolders } from "../../src/system/files.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const SIGNAL = new AbortController().signal;

const run = (runNumber: number, x = String(runNumber)): Run => ({
  config: "Quick",
  runNumber,
  iterationVariables: { x },
  repetition: 0,
});

/** A study with runs recorded as completed, each with a file of its own. */
async function study(...runs: Run[]) {
  const directory = await temporaryDirectory();
  const results = path.join(directory.path, "results");
  await makeFolders(path.join(results, ".swarm"));
  for (const each of runs) {
    const content = `scalars of ${each.runNumber}`;
    await writeFile(path.join(results, `${each.runNumber}.sca`), content);
    await writeRecord(results, createRecord(each, `results/${each.runNumber}.sca`, content));
  }
  const find = (wanted: Run[], identity = "same", place = directory.path) =>
    findFinished(
      { studyDirectory: place, resultDirectory: path.join(place, "results"), runs: wanted },
      identity,
      SIGNAL,
    );
  const file = (runNumber: number): string => path.join(results, `${runNumber}.sca`);
  return { ...directory, results, find, file };
}

function createRecord(each: Run, file: string, content: string): RunRecord {
  const sha256 = createHash("sha256").update(content).digest("hex");
  return {
    format: 1,
    campaign: "c1",
    ...each,
    state: "done",
    reason: "Simulation time limit reached",
    wallTimeMs: 1,
    startedAt: "2026-11-24T10:00:00.000Z",
    finishedAt: "2026-11-24T10:00:01.000Z",
    worker: "w",
    commit: "a".repeat(40),
    build: "key",
    identity: "same",
    omnetpp: "6.2.0",
    arguments: [],
    files: [{ path: file, sizeBytes: content.length, sha256 }],
  };
}

/** File systems have a coarse clock for time stamps: events within one tick have the same time. */
const nextTick = (): Promise<unknown> => setTimeout(20);

const numbers = (runs: readonly Run[]): number[] => runs.map((each) => each.runNumber);

it("finds completed runs and those still to be executed", async () => {
  await using s = await study(run(0), run(2));
  const { there, open } = await s.find([run(0), run(1), run(2)]);
  expect(numbers(there)).toEqual([0, 2]);
  expect(numbers(open)).toEqual([1]);
});

it.each<[string, (s: Awaited<ReturnType<typeof study>>) => Promise<unknown>]>([
  ["is gone", (s) => rm(s.file(0))],
  ["is truncated", (s) => writeFile(s.file(0), "scalars")],
  ["has another content of the same size", (s) => writeFile(s.file(0), "SCALARS of 0")],
  [
    "has another content, size and time as before",
    async (s) => {
      const { atime, mtime } = await stat(s.file(0));
      await writeFile(s.file(0), "SCALARS of 0");
      await utimes(s.file(0), atime, mtime);
    },
  ],
  ["has a record that is damaged", (s) => writeFile(recordFile(s.results, run(0)), "{")],
  [
    "is a link to another one",
    async (s) => {
      await rm(s.file(0));
      await symlink("1.sca", s.file(0));
    },
  ],
])("executes a run again whose file %s", async (_, damage) => {
  await using s = await study(run(0), run(1));
  await nextTick();
  await damage(s);
  expect(numbers((await s.find([run(0), run(1)])).open)).toEqual([0]);
});

it("recognizes results that were copied, by their content", async () => {
  await using s = await study(run(0), run(1));
  await using other = await temporaryDirectory();
  await cp(s.path, other.path, { recursive: true });
  await nextTick();
  await writeFile(path.join(other.path, "results/1.sca"), "SCALARS of 1");
  expect(numbers((await s.find([run(0), run(1)], "same", other.path)).there)).toEqual([0]);
  expect(numbers((await s.find([run(0), run(1)], "same", other.path)).there)).toEqual([0]); // and recognizes it
});

it("executes a run again that has another identity or has not completed", async () => {
  await using s = await study(run(0));
  expect((await s.find([run(0)], "another")).there).toEqual([]);
  await writeRecord(s.results, {
    ...createRecord(run(0), "results/0.sca", "scalars of 0"),
    state: "limited",
  });
  expect((await s.find([run(0)])).there).toEqual([]);
});

it("reports runs whose numbers have changed since they were executed, if their seeds depend on the number", async () => {
  await using s = await study(run(0), run(1, "9"), run(2, "10"));
  const found = await s.find([run(0), run(1), run(2), run(3)]);
  expect(numbers(found.there)).toEqual([0]);
  const plan = (seedsFollowRunNumbers: boolean) =>
    ({ campaign: { config: "Quick" }, expansion: { seedsFollowRunNumbers } }) as Parameters<
      typeof shiftWarning
    >[0];
  expect([...shiftWarning(plan(false), found)]).toEqual([]);
  const [warning] = shiftWarning(plan(true), found);
  expect(warning?.message).toContain("the runs of Quick have other run numbers than when they were executed");
  expect(warning?.details).toEqual([
    "Quick #1 was $x=9, $repetition=0, and is now $x=1, $repetition=0",
    "Quick #2 was $x=10, $repetition=0, and is now $x=2, $repetition=0",
  ]);
});

it("reads 2000 records in far less time than a run takes", async () => {
  const runs = Array.from({ length: 2000 }, (_, number) => run(number));
  await using s = await study(...runs);
  const startedAt = performance.now();
  expect((await s.find(runs)).there).toHaveLength(2000);
  expect(performance.now() - startedAt).toBeLessThan(10_000); // on a busy machine; a fifth of a second on an idle one
});
