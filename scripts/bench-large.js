import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./setup.js";

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */

const RUNS = 100_000;
const RESULT_BYTES = 1 << 30;
const SAMPLE_MS = 100;

/**
 * Measures 100,000 runs and a result of 1 GB, which takes 15 minutes.
 * @param {string} study @param {Tools} tools
 * @returns {Promise<Row[]>}
 */
export async function largeRows(study, tools) {
  const few = await measured(study, tools, ["--runs=100", "--ms=0"]);
  const many = await measured(study, tools, [`--runs=${RUNS}`, "--ms=0"]);
  rmSync(path.join(study, "results"), { recursive: true, force: true });
  const big = await measured(study, tools, ["--runs=1", `--bytes=${RESULT_BYTES}`]);
  const perRun = [few.ms / 100, many.ms / RUNS];
  return [
    {
      what: "time per run: 100,000 runs compared with 100",
      figure: `${((perRun[1] ?? NaN) / (perRun[0] ?? NaN)).toFixed(2)} x`,
      limit: "level",
      details: perRun
        .map((ms) => `${ms.toFixed(1)} ms`)
        .reverse()
        .join(" compared with "),
    },
    memoryRow("100,000 runs", many),
    memoryRow("a result of 1 GB", big),
  ];
}

/** @param {string} what @param {{ client: number, runner: number }} peak @returns {Row} */
export function memoryRow(what, { client, runner }) {
  return {
    what: `peak memory: ${what}`,
    figure: `${Math.max(client, runner)} MB`,
    limit: "200 MB",
    details: `client ${client} MB, runner ${runner} MB`,
  };
}

/**
 * Executes a campaign and measures its wall time and peak memory.
 * @param {string} study @param {Tools} tools @param {string[]} args @param {string} [swarm]
 * @returns {Promise<{ ms: number, client: number, runner: number }>} peak memory of client and runner in MB
 */
export async function measured(study, tools, args, swarm = "local") {
  const runner = tools.runnerPid(swarm);
  const startedAt = performance.now();
  const tool = path.join(ROOT, "bin/runall-swarm.js");
  const client = spawn(
    process.execPath,
    [tool, "--quiet", "--swarm", swarm, "./tiny", "-c", "Bench", ...args],
    {
      cwd: study,
      env: tools.env,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  let peak = 0;
  const sampler = setInterval(() => (peak = Math.max(peak, peakOf(client.pid ?? 0))), SAMPLE_MS);
  /** @type {number | null} */
  const exitCode = await new Promise((resolve) => client.once("close", resolve));
  clearInterval(sampler);
  if (exitCode !== 0) throw new Error(`runall-swarm ${args.join(" ")}: exit code ${String(exitCode)}`);
  return { ms: performance.now() - startedAt, client: peak, runner: peakOf(runner) };
}

/** Returns the peak memory of a process in MB; 0 if it has ended. @param {number} pid @see proc(5), VmHWM */
export function peakOf(pid) {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kilobytes ?? 0) / 1024);
  } catch {
    return 0;
  }
}
