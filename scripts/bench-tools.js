import { spawnSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import path from "node:path";
import { ROOT, SetupError } from "./setup.js";

/**
 * A row of a benchmark's table.
 * @typedef {{ what: string, figure: string, limit: string, details: string }} Row
 */
/** @typedef {ReturnType<typeof toolsIn>} Tools */

/**
 * Returns the environment of a user whose swarms are in a folder.
 * @param {string} place
 * @returns {NodeJS.ProcessEnv}
 */
export function benchEnvironment(place) {
  const { SWARM: _, ...inherited } = process.env;
  return {
    ...inherited,
    XDG_STATE_HOME: path.join(place, "state"),
    XDG_CACHE_HOME: path.join(place, "cache"),
  };
}

/** Returns functions that run the tools of this checkout. @param {NodeJS.ProcessEnv} env */
export function toolsIn(env) {
  return {
    env,
    /** Returns the process id of the runner. @param {string} [swarm] */
    runnerPid: (swarm) => processesOf(env, swarm).find(({ role }) => role === "runner")?.pid ?? 0,
    /** Returns the process ids of a swarm. @param {string} [swarm] */
    pids: (swarm) => processesOf(env, swarm).map(({ pid }) => pid),
    /** @param {string[]} args */
    swarmTool: (args) => run(process.execPath, [path.join(ROOT, "bin/swarm-tool.js"), ...args], ROOT, env),
    /** @param {string} cwd @param {string[]} args */
    runall: (cwd, args) => run(process.execPath, [path.join(ROOT, "bin/runall-swarm.js"), ...args], cwd, env),
  };
}

/** @param {NodeJS.ProcessEnv} env @param {string} [swarm] */
function processesOf(env, swarm = "local") {
  const file = path.join(env["XDG_STATE_HOME"] ?? "", "inet-swarm/swarms", swarm, "swarm.json");
  /** @type {(text: string) => { processes: { role: string, pid: number }[] }} */
  const parse = JSON.parse;
  return parse(readFileSync(file, "utf8")).processes;
}

/** @param {readonly number[]} values */
export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/**
 * Runs a program and measures its wall time.
 * @param {string} program @param {readonly string[]} args @param {string} cwd @param {NodeJS.ProcessEnv} env
 * @returns {{ ms: number, stdout: string }}
 */
export function run(program, args, cwd, env = process.env) {
  const startedAt = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  const ms = performance.now() - startedAt;
  if (error || status !== 0)
    throw new SetupError(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
  return { ms, stdout };
}

/** Copies a folder of this checkout, makes the copy a git repository, builds it, and returns its path. */
export function project(
  /** @type {string} */ folder,
  /** @type {string} */ place,
  /** @type {[string]} */ [builder],
  /** @type {string[]} */ args,
) {
  const top = path.join(place, path.basename(folder));
  cpSync(path.join(ROOT, folder), top, { recursive: true });
  const identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"];
  for (const command of [
    ["init", "-q"],
    ["add", "-A"],
    [...identity, "commit", "-q", "-m", "Bench"],
  ])
    run("git", command, top);
  run(builder, args, top);
  return top;
}

/** Prints a table. @param {readonly Row[]} rows */
export function print(rows) {
  const table = [{ what: "measurement", figure: "figure", limit: "limit", details: "" }, ...rows];
  /** @param {keyof Row} key */
  const width = (key) => Math.max(...table.map((row) => row[key].length));
  for (const row of table) {
    console.log(
      `${row.what.padEnd(width("what"))}  ${row.figure.padStart(width("figure"))}  ${row.limit.padStart(width("limit"))}  ${row.details}`,
    );
  }
}
