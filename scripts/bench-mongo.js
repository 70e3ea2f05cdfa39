import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { measured, memoryRow } from "./bench-large.js";
import { median } from "./bench-tools.js";
import { builtMongoServer, buildMongoServer } from "./mongo-server.js";
import { ROOT, SetupError } from "./setup.js";

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */

const SWARM = "mongo";
const RESULT_BYTES = 256 << 20;
const LARGE_BYTES = 1 << 30;

/**
 * Measures the transfer of results through MongoDB, as from a Docker Swarm: packed, stored, fetched,
 * unpacked. The speed depends on the server: that at `MONGO_URL`, else that of the tests.
 * @param {string} study
 * @param {Tools} tools
 * @param {{ rounds: number, large: boolean }} options
 * @returns {Promise<Row[]>}
 */
export async function mongoRows(study, tools, { rounds, large }) {
  const server = await startServer(path.dirname(study));
  const mongoTools = { ...tools, env: { ...tools.env, MONGO_URL: server.url } };
  try {
    const init = ["init", SWARM, "--local", "--mongo", "--runners", "1"];
    await tool("swarm-tool", init, study, mongoTools.env);
    await measured(study, mongoTools, ["--runs=1", "--ms=0"], SWARM); // uploads the binaries
    const starts = await repeat(rounds, () => timeToFirstRun(study, mongoTools));
    const transfers = await repeat(rounds, () => transfer(RESULT_BYTES, study, mongoTools));
    const rows = [startRow(starts), transferRow(transfers)];
    if (!large) return rows;
    rmSync(path.join(study, "results"), { recursive: true, force: true });
    const peak = await measured(study, mongoTools, ["--runs=1", `--bytes=${LARGE_BYTES}`], SWARM);
    return [...rows, memoryRow("a result of 1 GB through MongoDB", peak)];
  } finally {
    await tool("swarm-tool", ["remove", SWARM, "--force"], study, mongoTools.env);
    await server.stop();
  }
}

/** @typedef {{ bytesPerSecond: number, copyBytesPerSecond: number }} Transfer */

/** @param {readonly number[]} starts @returns {Row} */
function startRow(starts) {
  return {
    what: "from runall-swarm to the first running simulation",
    figure: `${median(starts).toFixed(0)} ms`,
    limit: "",
    details: "with an existing build, on this machine",
  };
}

/** @param {readonly Transfer[]} transfers @returns {Row} */
function transferRow(transfers) {
  const [through, plain] = [
    median(transfers.map((each) => each.bytesPerSecond)),
    median(transfers.map((each) => each.copyBytesPerSecond)),
  ];
  return {
    what: "a result of 256 MB through MongoDB",
    figure: `${(through / 1e6).toFixed(0)} MB/s`,
    limit: "",
    details: `from the end of the run to the study; a plain copy: ${(plain / 1e6).toFixed(0)} MB/s`,
  };
}

/** @param {string} study @param {Tools} tools */
async function timeToFirstRun(study, tools) {
  rmSync(path.join(study, "results"), { recursive: true, force: true });
  const startedAt = Date.now();
  await measured(study, tools, ["--runs=1", "--ms=0"], SWARM);
  return Date.parse(readRecord(study).startedAt) - startedAt;
}

/** @param {number} bytes @param {string} study @param {Tools} tools @returns {Promise<Transfer>} */
async function transfer(bytes, study, tools) {
  const results = path.join(study, "results");
  rmSync(results, { recursive: true, force: true });
  await measured(study, tools, ["--runs=1", `--bytes=${bytes}`], SWARM);
  const { startedAt, wallTimeMs, file } = readRecord(study);
  const ended = Date.parse(startedAt) + wallTimeMs;
  const seconds = (statSync(file).mtimeMs - ended) / 1000; // the record is written last
  const [vectors, copy] = [path.join(results, "Bench.vec"), path.join(results, "copy")];
  const copyStartedAt = performance.now();
  copyFileSync(vectors, copy);
  const copySeconds = (performance.now() - copyStartedAt) / 1000;
  const { size } = statSync(vectors);
  return { bytesPerSecond: size / seconds, copyBytesPerSecond: size / copySeconds };
}

/** @param {string} study @returns {{ startedAt: string, wallTimeMs: number, file: string }} */
function readRecord(study) {
  const folder = path.join(study, "results", ".swarm");
  const name = readdirSync(folder).find((each) => each.endsWith(".json")) ?? "";
  /** @type {(text: string) => { startedAt: string, wallTimeMs: number }} */
  const parse = JSON.parse;
  const file = path.join(folder, name);
  return { ...parse(readFileSync(file, "utf8")), file };
}

/** @param {string} place @returns {Promise<{ url: string, stop: () => Promise<void> }>} */
async function startServer(place) {
  const named = process.env["MONGO_URL"];
  if (named) return { url: named, stop: () => Promise.resolve() };
  const reason = await buildMongoServer(console.log);
  if (reason !== undefined) throw new SetupError(reason);
  const folder = mkdtempSync(path.join(place, "mongo-"));
  const [socket, data] = [path.join(folder, "mongo.sock"), path.join(folder, "data")];
  mkdirSync(data);
  const server = spawn(builtMongoServer(), ["-socket", socket, "-data", `file:${data}/`], {
    stdio: ["pipe", "ignore", "inherit"], // the server ends when its stdin is closed
  });
  const exited = once(server, "exit");
  return {
    url: `mongodb://${encodeURIComponent(socket)}/swarm-bench`,
    async stop() {
      server.kill("SIGKILL");
      await exited;
    },
  };
}

/** @param {string} name @param {readonly string[]} args @param {string} cwd @param {NodeJS.ProcessEnv} env */
async function tool(name, args, cwd, env) {
  const child = spawn(process.execPath, [path.join(ROOT, "bin", `${name}.js`), ...args], {
    cwd,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  await once(child, "close");
  if (child.exitCode !== 0)
    throw new SetupError(`${name} ${args.join(" ")}: exit code ${String(child.exitCode)}`);
}

/** @template T @param {number} times @param {() => Promise<T>} once @returns {Promise<T[]>} */
async function repeat(times, once) {
  /** @type {T[]} */
  const values = [];
  for (let time = 0; time < times; time++) values.push(await once());
  return values;
}
