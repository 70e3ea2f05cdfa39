import { spawn } from "node:child_process";

const SHOWN_CHARACTERS = 1_500;

/**
 * @typedef {object} Ended
 * @property {boolean} succeeded
 * @property {string} output of both streams, in order.
 * @property {string} reason why it did not succeed, with the end of the output.
 */

/**
 * Runs a program in a process group of its own, which is killed at the deadline.
 * @param {readonly string[]} command
 * @param {{ directory: string, env?: NodeJS.ProcessEnv, deadline: number }} options deadline: as Date.now().
 * @returns {Promise<Ended>}
 */
export function runBounded([program = "", ...args], { directory, env = {}, deadline }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let isLate = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => (output += text));
    }
    const timer = setTimeout(
      () => {
        isLate = true;
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      },
      Math.max(1, deadline - Date.now()),
    );
    /** @param {string} reason */
    const end = (reason) => {
      clearTimeout(timer);
      const text = `${program} ${args.join(" ")}: ${reason}\n${output.slice(-SHOWN_CHARACTERS)}`.trimEnd();
      resolve({ succeeded: reason === "", output, reason: text });
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => {
      if (isLate) end("not ended in time");
      else end(code === 0 ? "" : code === null ? `ended by ${signal ?? "a signal"}` : `exit code ${code}`);
    });
  });
}
