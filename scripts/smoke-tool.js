import { spawn } from "node:child_process";
import path from "node:path";
import { ROOT } from "./setup.js";

/** Time in which an interrupted tool must end. */
const END_TIMEOUT_MS = 120_000;

/** @typedef {{ command: string, exitCode: number, stdout: string, output: string }} Ended output: stdout and stderr */
/**
 * @typedef {object} ToolOptions
 * @property {string} [cwd]
 * @property {AbortSignal} [signal] interrupts the tool as Ctrl-C does.
 * @property {boolean} [quiet] do not print what it prints.
 */

/**
 * Runs a tool of this checkout to its end, and prints what it prints. It has a process group of its own, so that only
 * this process receives the terminal's signals: a second Ctrl-C must not interrupt the removal of the swarm.
 * @param {"swarm-tool" | "runall-swarm"} tool
 * @param {readonly string[]} args
 * @param {ToolOptions} [options]
 * @returns {Promise<Ended>}
 */
export async function runTool(tool, args, { cwd = ROOT, signal, quiet = false } = {}) {
  signal?.throwIfAborted();
  const command = [tool, ...args].join(" ");
  if (!quiet) console.log(`\n$ ${command}`);
  const child = spawn(process.execPath, [path.join(ROOT, "bin", `${tool}.js`), ...args], {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  /** @type {NodeJS.Timeout | undefined} */
  let limit;
  const interrupt = () => {
    child.kill("SIGINT");
    limit = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
  };
  signal?.addEventListener("abort", interrupt);
  let [stdout, output] = ["", ""];
  for (const [from, to] of /** @type {const} */ ([
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ])) {
    from.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      if (from === child.stdout) stdout += text;
      output += text;
      if (!quiet) to.write(text);
    });
  }
  try {
    /** @type {number} */
    const exitCode = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? -1));
    });
    return { command, exitCode, stdout, output };
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", interrupt);
  }
}
