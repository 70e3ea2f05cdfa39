import { mkdir } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../../scripts/setup.js";
import { runProgram } from "./run-program.js";

const RUNNERS = 2;

/**
 * Creates a local swarm that shares nothing with the user's own, and removes it afterwards.
 * @param {string} directory for its state and cache
 * @param {(env: NodeJS.ProcessEnv) => Promise<number>} body gets the environment in which the tools use that swarm.
 */
export async function withSwarm(directory, body) {
  const base = { STATE: "state", CACHE: "cache", RUNTIME: "run" };
  /** @type {NodeJS.ProcessEnv} */
  const env = { SWARM: undefined };
  for (const [name, folder] of Object.entries(base)) {
    env[`XDG_${name}_${name === "RUNTIME" ? "DIR" : "HOME"}`] = path.join(directory, folder);
    await mkdir(path.join(directory, folder), { mode: 0o700 });
  }
  await runTool("swarm-tool", ["init", "--local", "--runners", `${RUNNERS}`], { directory, env });
  try {
    return await body(env);
  } finally {
    await runTool("swarm-tool", ["remove", "--force"], { directory, env });
  }
}

/**
 * Runs one of the tools of this checkout, which must succeed.
 * @param {string} name
 * @param {readonly string[]} args
 * @param {{ directory: string, env: NodeJS.ProcessEnv }} options
 */
export function runTool(name, args, options) {
  return runProgram(process.execPath, [toolPath(name), ...args], options);
}

/** @param {string} name */
export function toolPath(name) {
  return path.join(ROOT, "bin", `${name}.js`);
}
