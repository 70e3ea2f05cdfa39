import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import { isTemporary } from "../../src/system/files.ts";
import {
  cacheFolder,
  eventually,
  filesBelow,
  jobsOf,
  NO_JOBS,
  processesOf,
  stateFolder,
} from "../helpers/swarm.ts";
import { campaignOf, type Fault } from "./faults.ts";
import type { Finished } from "../helpers/tool.ts";
import type { World } from "./world.ts";

/** How a disturbed campaign went, in one line. */
export interface Outcome {
  exitCode: number;
  /** Runs by how they ended. */
  states: Record<string, number>;
  /** Runs that the same command executed afterwards. */
  repeated: number;
}

/**
 * Waits until the campaign has ended, and checks that every run is accounted for once, that the files are those of an
 * undisturbed campaign, and that nothing is left over.
 */
export async function expectRecovery(
  world: World,
  runs: number,
  { mayFail, mayStop, losesResults }: Pick<Fault, "mayFail" | "mayStop" | "losesResults">,
): Promise<Outcome> {
  const first = await endedOrAgain(world, mayStop === true);
  const printed = `${first.stdout}${first.stderr}`;
  expect(mayFail ? [0, 1] : [0], printed).toContain(first.exitCode);
  const states = await statesIn(world, await campaignOf(world));
  if (!mayFail && !losesResults) expect(states, printed).toEqual({ done: runs });
  world.command();
  const { exitCode, stdout, stderr } = await world.ended();
  expect({ exitCode, stderr }, printed).toEqual({
    exitCode: 0,
    stderr: expect.not.stringContaining("bug") as string,
  });
  const earlier = Number(/(\d+) of them earlier/.exec(stdout)?.[1] ?? 0);
  if (!mayFail && !losesResults) expect(earlier, stdout).toBe(runs);
  await expectFiles(world, runs, mayFail === true);
  await expectNothingLeft(world, losesResults === true);
  return { exitCode: first.exitCode, states, repeated: runs - earlier };
}

/** The client's output; if it may stop with a message, the output of its repeated command. */
async function endedOrAgain(world: World, mayStop: boolean): Promise<Finished> {
  const first = await world.ended();
  if (!mayStop || first.exitCode !== 2) return first;
  expect(first.stderr).toMatch(/nothing is lost/);
  world.command();
  return await world.ended();
}

async function statesIn({ results }: World, campaign: string): Promise<Record<string, number>> {
  const states: Record<string, number> = {};
  for (const { state } of await readRecords(results, campaign)) states[state] = (states[state] ?? 0) + 1;
  return states;
}

/** All files of all runs, and no others. */
async function expectFiles({ results, model }: World, runs: number, mayFail: boolean): Promise<void> {
  const wanted = await readdir(path.join(model, "results"));
  const ofRun = (name: string): number => Number(/i=(\d+)/.exec(name)?.[1] ?? NaN);
  const names = wanted.filter((name) => ofRun(name) < runs).sort();
  const found = (await readdir(results)).filter(
    (name) => name !== ".swarm" && !(mayFail && name === "failed"),
  );
  expect(found.sort()).toEqual(names);
  for (const name of names) {
    const content = await readFile(path.join(results, name), "utf8");
    expect(content, name).toBe(await readFile(path.join(model, "results", name), "utf8"));
  }
  const records = (await readdir(path.join(results, ".swarm"))).filter((name) =>
    /^Bench-\d+\.json$/.test(name),
  );
  expect(records).toHaveLength(runs);
}

/** @param isRestored the records' folder is from the middle of the campaign, when its client held a lock there. */
async function expectNothingLeft(
  { user, results, runners, study }: World,
  isRestored: boolean,
): Promise<void> {
  await eventually(async () => expect(await jobsOf(user)).toEqual(NO_JOBS));
  await eventually(async () => expect(await filesBelow(path.join(stateFolder(user), "results"))).toEqual([]));
  await eventually(() => expect(processesOf(user).filter((line) => line.includes("/tiny "))).toEqual([]));
  const all = await readdir(path.join(results, ".swarm"));
  const kept = isRestored ? all.filter((name) => !name.endsWith(".lock") && !isTemporary(name)) : all;
  const known = /^(?:Bench-\d+\.json|sources|notes|outputs|history|index)$/;
  expect(kept.filter((name) => !known.test(name))).toEqual([]);
  if (!isRestored) expect(await temporaryIn(study)).toEqual([]);
  for (const place of [stateFolder(user), cacheFolder(user), ...runners.map(({ directory }) => directory)]) {
    await eventually(async () => expect(await temporaryIn(place)).toEqual([]));
  }
}

/** Files and folders with temporary names. */
async function temporaryIn(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const names = await readdir(directory, { recursive: true });
  return names.filter((name) => isTemporary(path.basename(name)));
}
