import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { cp, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import { makeRepository } from "../helpers/git.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  filesBelow,
  jobsOf,
  kill,
  mustRun,
  NO_JOBS,
  pidsOf,
  processesOf,
  startRunner,
  stateFolder,
} from "../helpers/swarm.ts";
import { newUser, type Finished, type Running, type User } from "../helpers/tool.ts";

const TINY = fileURLToPath(new URL("../bench/tiny", import.meta.url));
const RUNS = 500;
/** Of the runners that are disturbed: after this time without a sign of life, others take their jobs. */
const LOCK_SECONDS = 2;
/** Time limit for the end of a process that has nothing left to do. */
const END_TIMEOUT_MS = 60_000;
/** All of it takes half a minute on two idle cores. */
const TIMEOUT_MS = 300_000;

/** A study of a compiled program whose runs take some milliseconds and leave one file each. */
interface TinyStudy {
  directory: string;
  results: string;
}

describeWithService("cc", "a swarm under fire", () => {
  describeWithService("redis-server", "with its servers", () => {
    it.each([
      { how: "one by one", options: [] },
      { how: "several in a process", options: ["--batch-size", "5"] },
    ])(
      "loses no run, executes none twice and leaves nothing behind, when runs are executed $how",
      { timeout: TIMEOUT_MS },
      ({ options }) => expectNothingLost(options),
    );
  });
});

/**
 * Two campaigns of 500 runs each; meanwhile a runner is stopped past its lock and wakes again, another is
 * killed, Redis is killed and started again, a client is killed, and one campaign is cancelled.
 */
async function expectNothingLost(options: readonly string[]): Promise<void> {
  await using user = await newUser();
  await using repository = await makeRepository({ ".gitignore": "results/\ntiny\n" });
  const study = (name: string): TinyStudy => {
    const directory = path.join(repository.path, name);
    return { directory, results: path.join(directory, "results") };
  };
  const [undisturbed, disturbed, cancelled] = [study("undisturbed"), study("disturbed"), study("cancelled")];
  for (const { directory } of [undisturbed, disturbed, cancelled]) await makeStudy(directory);
  await repository.commit();

  await mustRun(user, ["init", "--local", "--runners", "1"]);
  expect(await start(user, undisturbed).finished).toMatchObject(allDone(RUNS));
  const sleeper = startDisturbed(user, "sleeper");
  const victim = startDisturbed(user, "victim");
  const client = start(user, disturbed, options);
  const other = start(user, cancelled, options);
  const id = await campaignIn(user, disturbed);
  const otherId = await campaignIn(user, cancelled); // from now on they take turns

  await collected(disturbed, 20);
  const atWork = (runner: ChildProcess): Promise<number> =>
    stopAtRunOf(disturbed, runner, options.includes("--batch-size"));
  const [slept, orphaned] = [await atWork(sleeper), await atWork(victim)];
  victim.kill("SIGKILL");
  const successor = startDisturbed(user, "victim");
  await collected(disturbed, 100);
  await kill((await pidsOf(user))["redis"]!);
  await collected(disturbed, 150); // the clients have started it again
  client.child.kill("SIGKILL");
  await client.finished;
  const cancelling = await user.run("runall-swarm", ["cancel", otherId]);
  expect(cancelling).toMatchObject({ exitCode: 0 });
  const attached = user.start("runall-swarm", ["attach", id], { cwd: disturbed.directory });
  await collected(disturbed, 300);
  for (const run of [slept, orphaned]) await recorded(disturbed, run); // executed by others, now that its lock is gone
  sleeper.kill("SIGCONT");

  expect(await ended(attached, "the client that attached")).toMatchObject(allDone(RUNS));
  expect(await ended(other, "the client of the cancelled campaign")).toMatchObject({ exitCode: 1 });
  await expectSame(disturbed, undisturbed, RUNS, id);
  const survivors = (await readRecords(cancelled.results, otherId)).filter(({ state }) => state === "done");
  await expectSame(cancelled, undisturbed, survivors.length, otherId);
  expect(survivors.length).toBeLessThan(RUNS);

  for (const runner of [sleeper, successor]) await end(runner);
  expect(await jobsOf(user)).toEqual(NO_JOBS);
  expect(await filesBelow(path.join(stateFolder(user), "results"))).toEqual([]);
  expect(processesOf(user).filter((line) => line.includes("/tiny "))).toEqual([]);
}

async function makeStudy(directory: string): Promise<void> {
  await cp(TINY, directory, { recursive: true });
  execFileSync("make", ["-s"], { cwd: directory });
}

/** A runner with one slot and a separate folder. */
function startDisturbed(user: User, name: string): ChildProcess {
  const own = ["--directory", path.join(user.directory, name), "--lock-seconds", String(LOCK_SECONDS)];
  return startRunner(user, "runner", ...own);
}

function start(user: User, { directory }: TinyStudy, options: readonly string[] = []): Running {
  const args = [...options, "./tiny", "-c", "Bench", `--runs=${RUNS}`, "--ms=10"];
  return user.start("runall-swarm", args, { cwd: directory });
}

function allDone(runs: number): Partial<Finished> {
  const text = new RegExp(`${runs} runs in .*: ${runs} done\\.`);
  return { exitCode: 0, stdout: expect.stringMatching(text) as string };
}

/** The id of the campaign that is running in a study. */
async function campaignIn(user: User, { directory }: TinyStudy): Promise<string> {
  let id: string | undefined;
  await eventually(async () => {
    const { stdout } = await user.run("runall-swarm", ["list", "--json"]);
    const all = JSON.parse(stdout) as { campaign: { id: string; study: string } }[];
    id = all.find(({ campaign }) => campaign.study === path.basename(directory))?.campaign.id;
    expect(id).toBeDefined();
  });
  return id!;
}

/** Waits until so many runs have been collected, or all. */
async function collected({ results }: TinyStudy, runs: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const files = (await filesBelow(path.join(results, ".swarm"))).filter((file) => file.endsWith(".json"));
      expect(files.length).toBeGreaterThanOrEqual(runs);
    },
    { timeout: TIMEOUT_MS, interval: 20 },
  );
}

/** Stops a runner at a moment when it executes a run of a study, or several. @returns the number of the first. */
async function stopAtRunOf(
  { directory }: TinyStudy,
  runner: ChildProcess,
  several: boolean,
): Promise<number> {
  let run: number | undefined;
  await eventually(() => {
    if (!runner.kill("SIGSTOP"))
      throw new Error(`the runner has ended with ${runner.exitCode ?? runner.signalCode}`);
    const runs = runsMadeBy(runner, path.basename(directory));
    run = runs.length > 1 === several ? runs[0] : undefined;
    if (run === undefined) runner.kill("SIGCONT");
    expect(run).toBeDefined();
  });
  return run!;
}

function runsMadeBy(runner: ChildProcess, study: string): number[] {
  const simulations = readFileSync(`/proc/${runner.pid}/task/${runner.pid}/children`, "utf8").trim();
  try {
    const [simulation] = simulations.split(" ");
    if (path.basename(readlinkSync(`/proc/${simulation}/cwd`)) !== study) return [];
    const args = readFileSync(`/proc/${simulation}/cmdline`, "utf8").split("\0");
    return args.includes("-r") ? args[args.indexOf("-r") + 1]!.split(",").map(Number) : [];
  } catch {
    return []; // there is none, or it has just ended
  }
}

/** Waits until a run has been collected. */
async function recorded({ results }: TinyStudy, run: number): Promise<void> {
  const record = path.join(results, ".swarm", `Bench-${run}.json`);
  await eventually(() => expect(existsSync(record)).toBe(true));
}

/** Every recorded run of the campaign is complete, equal to that of the other study, and counted once. */
async function expectSame(study: TinyStudy, model: TinyStudy, runs: number, id: string): Promise<void> {
  const records = (await readRecords(study.results, id)).filter(({ state }) => state === "done");
  expect(new Set(records.map(({ runNumber }) => runNumber)).size).toBe(runs);
  expect(records).toHaveLength(runs);
  for (const { files } of records) {
    expect(files).toHaveLength(2); // .sca and .out
    for (const { path: file, sizeBytes } of files) {
      const content = await readFile(path.join(study.directory, file), "utf8");
      expect(content).toBe(await readFile(path.join(model.directory, file), "utf8"));
      expect(content).toHaveLength(sizeBytes);
    }
  }
  const named = records.flatMap(({ files }) => files.map(({ path: file }) => path.basename(file)));
  const whole = (await readdir(study.results)).filter((name) => name !== "failed"); // contains the cancelled runs
  expect(whole.sort()).toEqual([".swarm", ...named].sort());
  const kept = await readdir(path.join(study.results, ".swarm"));
  expect(kept.filter((name) => !/^(?:Bench-\d+\.json|sources|index)$/.test(name))).toEqual([]); // no lock, nothing incomplete
}

/** The output of a client, which must end. */
async function ended(client: Running, what: string): Promise<Finished> {
  let printed = "";
  client.child.stderr!.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const timer = new AbortController();
  const late = delay(END_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} does not end; it has printed lately:\n${printed}`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([client.finished, late]);
  } finally {
    timer.abort();
  }
}

async function end(runner: ChildProcess): Promise<void> {
  const exit = once(runner, "exit", { signal: AbortSignal.timeout(END_TIMEOUT_MS) });
  runner.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
}
