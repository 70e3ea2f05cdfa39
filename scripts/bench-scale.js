import { spawn } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { measured, peakOf } from "./bench-large.js";
import { benchEnvironment, print, project, toolsIn } from "./bench-tools.js";
import { ROOT, runScript, setUp } from "./setup.js";

// npm run bench:scale [-- --runs N] [--runners N]: compares a campaign of 100,000 empty runs on 64 runner
// processes with smaller ones: time per run, peak memory of client and runner, Redis memory per run.

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */

const SAMPLE_MS = 500;

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "100000" },
      runners: { type: "string", default: "64" },
    },
  });
  const [runs, runners] = [Number(values.runs), Number(values.runners)];
  await setUp({ system: ["redis-server", "git", "make", "cc"] });
  const place = mkdtempSync(path.join(tmpdir(), "swarm-scale-"));
  const tools = toolsIn(benchEnvironment(place));
  const end = new AbortController();
  setMaxListeners(0, end.signal); // one for each runner
  // Ctrl-C reaches the client, too, which ends then; the swarm is removed below.
  process.once("SIGINT", () => end.abort());
  try {
    tools.swarmTool(["init", "--local", "--runners", "1"]);
    const study = project("test/bench/tiny", place, ["make"], ["-s"]);
    const processes = Array.from({ length: runners - 1 }, (_, index) =>
      startRunner(place, index, tools, end.signal),
    );
    for (const size of [runs / 100, runs / 10, runs].map(Math.ceil)) {
      print([await scaleRow(study, tools, { size, pids: processes.map(({ pid }) => pid ?? 0) })]);
    }
    const ended = processes.map((child) => once(child, "close"));
    end.abort();
    await Promise.all(ended);
  } catch (error) {
    if (end.signal.aborted) return 130; // the client was interrupted
    throw error;
  } finally {
    end.abort();
    tools.swarmTool(["remove", "local", "--force"]);
    rmSync(place, { recursive: true, force: true });
  }
  return 0;
});

/** @param {string} place @param {number} index @param {Tools} tools @param {AbortSignal} signal */
function startRunner(place, index, tools, signal) {
  const swarm = "inet-swarm/swarms/local";
  const [state, cache] = [path.join(place, "state", swarm), path.join(place, "cache", swarm)];
  const folders = ["--builds", path.join(cache, "builds"), "--sources", path.join(cache, "sources")];
  folders.push("--results", path.join(state, "results"), "--directory", path.join(place, `runner-${index}`));
  const worker = path.join(ROOT, "bin/swarm-worker.js");
  const args = [
    worker,
    "runner",
    "--redis",
    path.join(state, "redis.sock"),
    "--concurrency",
    "1",
    ...folders,
  ];
  const child = spawn(process.execPath, args, { env: tools.env, stdio: ["ignore", "ignore", "inherit"] });
  signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  return child;
}

/**
 * @param {string} study
 * @param {Tools} tools
 * @param {{ size: number, pids: number[] }} options
 * @returns {Promise<Row>}
 */
async function scaleRow(study, tools, { size, pids }) {
  rmSync(path.join(study, "results"), { recursive: true, force: true });
  const socket = path.join(tools.env["XDG_STATE_HOME"] ?? "", "inet-swarm/swarms/local/redis.sock");
  const redis = new Redis(socket);
  const sampling = new AbortController();
  try {
    const before = await memoryOf(redis);
    let peak = before;
    const sample = async () => {
      for (;;) {
        await delay(SAMPLE_MS, undefined, { signal: sampling.signal });
        peak = Math.max(peak, await memoryOf(redis));
      }
    };
    sample().catch(() => undefined); // it ends with an error: aborted, or the connection is closed
    const { ms, client, runner } = await measured(study, tools, [`--runs=${size}`, "--ms=0"]);
    const runners = Math.max(runner, ...pids.map(peakOf));
    return {
      what: `${size} runs on ${pids.length + 1} runners`,
      figure: `${(ms / size).toFixed(2)} ms per run`,
      limit: "level",
      details:
        `${((size / ms) * 1000).toFixed(0)} runs/s; peak memory: client ${client} MB, runner ${runners} MB, ` +
        `Redis ${(peak / 2 ** 20).toFixed(0)} MB (${((peak - before) / size / 1024).toFixed(1)} KB per run)`,
    };
  } finally {
    sampling.abort();
    redis.disconnect();
  }
}

/**
 * Returns the number of bytes that Redis has allocated.
 * @param {Redis} redis
 * @see https://redis.io/docs/latest/commands/info/
 */
async function memoryOf(redis) {
  const text = await redis.info("memory");
  return Number(/^used_memory:(\d+)/m.exec(text)?.[1] ?? 0);
}
