import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import type { LocalState } from "../../src/providers/swarm-state.ts";
import type { LocalStatus } from "../../src/providers/target.ts";
import { countJobs, type JobCounts } from "../../src/queue/counts.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { newSample, newUser, type Finished, type Running, type Sample, type User } from "../helpers/tool.ts";

export const WORKER = fileURLToPath(new URL("../../bin/swarm-worker.js", import.meta.url));
export const EVENTUALLY = { timeout: 30_000, interval: 50 };
/**
 * Waits until a check passes: the processes of a swarm proceed at their own pace. A check that starts a program takes most
 * of a processor, which the swarm needs, so the pauses are longer than the checks.
 */
export async function eventually(check: () => unknown, timeoutMs = EVENTUALLY.timeout): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const begunAt = performance.now();
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await delay(Math.max(EVENTUALLY.interval, 2 * (performance.now() - begunAt)));
  }
}

export const NO_JOBS = { waiting: 0, running: 0, uncollected: 0 };

/** A user with a study and a swarm `local`. */
export interface Researcher extends User {
  sample: Sample;
  runall(...args: string[]): Promise<Finished>;
  startRunall(...args: string[]): Running;
}

/** @param runMs minimum duration of each run. */
export async function researcher(runMs: number, runners = 2): Promise<Researcher> {
  const [user, sample] = await Promise.all([newUser(), newSample()]);
  user.env["STAND_IN_RUN_MS"] = String(runMs);
  await mustRun(user, ["init", "--local", "--runners", String(runners)]);
  return {
    ...user,
    sample,
    runall: (...args) => user.run("runall-swarm", args, { cwd: sample.study }),
    startRunall: (...args) => user.start("runall-swarm", args, { cwd: sample.study }),
    async [Symbol.asyncDispose]() {
      await user[Symbol.asyncDispose]();
      await sample[Symbol.asyncDispose]();
    },
  };
}

/** Queues a campaign and detaches. @returns its id. */
export async function queued(user: Researcher, ...args: string[]): Promise<string> {
  const { stdout } = await user.runall("--detach", ...args);
  return /runall-swarm attach (\S+)/.exec(stdout)![1]!;
}

/** The id of the only campaign. */
export async function onlyCampaign(user: Researcher): Promise<string> {
  const { stdout } = await user.runall("list", "--json");
  const all = JSON.parse(stdout) as { campaign: { id: string } }[];
  expect(all).toHaveLength(1);
  return all[0]!.campaign.id;
}

export async function mustRun(user: User, args: readonly string[]): Promise<Finished> {
  const finished = await user.run("swarm-tool", args);
  expect(finished).toMatchObject({ exitCode: 0, stderr: "" });
  return finished;
}

export async function statusOf(user: User, name = "local"): Promise<LocalStatus> {
  const { stdout } = await user.run("swarm-tool", ["status", name, "--json"]);
  return (JSON.parse(stdout) as [LocalStatus])[0];
}

/** The content of the queue, read without starting a tool. */
export function jobsOf(user: User): Promise<JobCounts> {
  return countJobs(socketConnection(path.join(stateFolder(user), "redis.sock")));
}

export const stateFolder = (user: User, name = "local"): string =>
  path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms", name);
export const cacheFolder = (user: User, name = "local"): string =>
  path.join(user.env["XDG_CACHE_HOME"]!, "inet-swarm/swarms", name);

export async function readState(user: User, name = "local"): Promise<LocalState> {
  return JSON.parse(await readFile(path.join(stateFolder(user, name), "swarm.json"), "utf8")) as LocalState;
}

/** The pid of each role. */
export async function pidsOf(user: User, name = "local"): Promise<Record<string, number>> {
  return Object.fromEntries((await readState(user, name)).processes.map(({ role, pid }) => [role, pid]));
}

/**
 * Prevents the builder of the swarm from restarting what a test has ended: it checks once a minute. Lasts until the end of the
 * block, or of the builder.
 */
export async function stopMending(user: User): Promise<Disposable> {
  const { builder } = await pidsOf(user);
  process.kill(builder!, "SIGSTOP");
  return {
    [Symbol.dispose]() {
      if (isAlive(builder!)) process.kill(builder!, "SIGCONT");
    },
  };
}

/** Sends SIGKILL, like the kernel when memory is short; returns when the process has ended. */
export async function kill(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await eventually(() => expect(isAlive(pid)).toBe(false));
}

export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** Command lines of all processes of this user: those that a swarm started, and their children. */
export function processesOf(user: User): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      return isOf(user, pid) ? [readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")] : [];
    } catch {
      return []; // not a process, not ours, or just ended
    }
  });
}

/** Finds a process by its environment or, because Redis overwrites its own with its title, by its working directory. */
function isOf({ directory }: User, pid: string): boolean {
  const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
  return (
    environment.includes(`XDG_STATE_HOME=${directory}`) ||
    readlinkSync(`/proc/${pid}/cwd`).startsWith(`${directory}/`)
  );
}

export const simulationsOf = (user: User): string[] =>
  processesOf(user).filter((line) => line.includes("opp-run.js"));

/** Files below a directory, or none if it does not exist. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
}

export interface HeldRuns extends AsyncDisposable {
  /** Releases the runs below this number. */
  holdFrom(runNumber: number): Promise<void>;
  /** Releases all runs. */
  release(): Promise<void>;
}

/**
 * Holds the runs with at least this number, in campaigns that are queued from now on: what a test does in the middle of a
 * campaign happens in its middle, however busy the machine is.
 */
export async function holdRuns(user: User, runNumber: number): Promise<HeldRuns> {
  const file = path.join(user.directory, "hold");
  const next = path.join(user.directory, "hold-next");
  const holdFrom = async (from: number): Promise<void> => {
    await writeFile(next, String(from));
    await rename(next, file);
  };
  const release = (): Promise<void> => rm(file, { force: true });
  user.env["STAND_IN_HOLD"] = file; // runs have the environment of the client
  await holdFrom(runNumber);
  return { holdFrom, release, [Symbol.asyncDispose]: release };
}

/** Collects a tool's output on stderr. @returns a function that waits for a text in it. */
export function listen({ child }: Running): (wanted: string, timeoutMs?: number) => Promise<unknown> {
  let all = "";
  child.stderr!.on("data", (chunk: Buffer) => (all += chunk.toString()));
  return (wanted, timeoutMs = EVENTUALLY.timeout) =>
    vi.waitFor(() => expect(all).toContain(wanted), { ...EVENTUALLY, timeout: timeoutMs });
}

/** A worker of the same swarm whose jobs are released soon after it has vanished. */
export function startRunner(user: User, ...more: string[]): ChildProcess {
  const directories = ["--builds", path.join(cacheFolder(user), "builds")];
  directories.push("--sources", path.join(cacheFolder(user), "sources"));
  directories.push("--results", path.join(stateFolder(user), "results"), "--directory", cacheFolder(user));
  const args = ["--redis", path.join(stateFolder(user), "redis.sock"), ...directories, ...more];
  return user.adopt(spawn(process.execPath, [WORKER, ...args], { env: user.env, stdio: "ignore" }));
}
