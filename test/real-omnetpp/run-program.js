import { spawn } from "node:child_process";
import { SetupError } from "../../scripts/setup.js";

const SHOWN_CHARACTERS = 4_000;

/**
 * Runs a program to its end, which must succeed.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ directory: string, env?: NodeJS.ProcessEnv }} options `env` is added to this process's own.
 * @returns {Promise<{ output: string, errors: string, durationMs: number }>}
 */
export function runProgram(program, args, { directory, env = {} }) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (/** @type {string} */ text) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (/** @type {string} */ text) => (errors += text));
    const failure = (/** @type {string} */ reason) =>
      new Error(
        `${program} ${args.join(" ")}: ${reason}, in ${directory}\n${(output + errors).slice(-SHOWN_CHARACTERS)}`,
      );
    child.once("error", (error) => reject(new SetupError(`${program}: ${error.message}`)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve({ output, errors, durationMs: performance.now() - start });
      else reject(failure(code === null ? `ended by ${signal ?? "a signal"}` : `exit code ${code}`));
    });
  });
}
