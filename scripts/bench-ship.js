import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { builtMongoServer, provideMongoServer } from "./mongo-server.js";
import { ROOT, SetupError } from "./setup.js";

/** @typedef {import("./bench.js").Row} Row */
/** @typedef {import("./bench.js").Tools} Tools */
/** @typedef {{ type: string, sizeBytes?: number, tookMs?: number }} Event */

/** INET 4.5 has as many files, and 18 MB when git has packed them. */
const FILES = 7500;
const FILE_BYTES = 12_000;
const SWARM = "ship";

/**
 * What it takes to bring a project of INET's size to a swarm whose workers are other machines (here they only
 * behave so), and how long one waits for the first run when nothing has changed.
 * @param {string} place a temporary folder
 * @param {Tools} tools
 * @param {(program: string, args: string[], cwd: string) => unknown} run
 * @returns {Promise<Row[]>}
 */
export async function shipRows(place, tools, run) {
  const missing = await provideMongoServer((text) => console.log(text));
  if (missing !== undefined || !existsSync(builtMongoServer())) {
    console.log(`nothing is shipped: ${missing ?? "MONGO_URL or mongod is not used here"}`);
    return [];
  }
  const study = makeProject(path.join(place, "ship"), run);
  const data = path.join(place, "mongo");
  mkdirSync(data);
  const socket = path.join(place, "mongo.sock");
  const server = spawn(builtMongoServer(), ["-socket", socket, "-data", `file:${data}/`], {
    stdio: ["pipe", "ignore", "inherit"], // it ends when its stdin does
  });
  const ended = once(server, "exit");
  tools.env["MONGO_URL"] = `mongodb://${encodeURIComponent(socket)}/bench`;
  try {
    tools.swarmTool(["init", "--local", "--mongo", "--runners", "2", SWARM]);
    return await measure(study, tools);
  } finally {
    tools.swarmTool(["remove", "--force", SWARM]);
    delete tools.env["MONGO_URL"];
    server.kill("SIGKILL");
    await ended;
  }
}

/** @param {string} study @param {Tools} tools @returns {Promise<Row[]>} */
async function measure(study, tools) {
  const first = await campaign(study, tools, ["--swarm", SWARM]);
  appendFileSync(path.join(study, "../src/folder0/file0.cc"), "// a line\n");
  const changed = await campaign(study, tools, ["--swarm", SWARM]);
  const again = await campaign(study, tools, ["--swarm", SWARM, "--rerun"]);
  await campaign(study, tools, ["--swarm", "local"]);
  const local = await campaign(study, tools, ["--swarm", "local", "--rerun"]);
  return [
    shipRow("a project of INET's size is sent, first", first, "60 s", "MB", 1e6),
    shipRow("… after a change of one line", changed, "5 kB", "kB", 1e3),
    {
      what: "… unchanged: from Enter to the first run",
      figure: `${(again.startedMs / 1000).toFixed(2)} s`,
      limit: "1 s",
      details: `on this machine's swarm ${(local.startedMs / 1000).toFixed(2)} s`,
    },
  ];
}

/**
 * @param {string} what @param {{ sent: Event | undefined }} measured @param {string} limit
 * @param {string} unit @param {number} bytes in one unit
 * @returns {Row}
 */
function shipRow(what, { sent }, limit, unit, bytes) {
  const seconds = `${((sent?.tookMs ?? NaN) / 1000).toFixed(1)} s`;
  const size = `${((sent?.sizeBytes ?? NaN) / bytes).toFixed(1)} ${unit}`;
  const [figure, details] = limit.endsWith(" s") ? [seconds, size] : [size, seconds];
  return { what, figure, limit, details };
}

/**
 * Makes one run. @param {string} study @param {Tools} tools @param {string[]} args
 * @returns {Promise<{ startedMs: number, sent: Event | undefined }>} when the first run began, and what was sent
 */
async function campaign(study, tools, args) {
  const tool = path.join(ROOT, "bin/runall-swarm.js");
  const startedAt = performance.now();
  const client = spawn(
    process.execPath,
    [tool, "--json", ...args, "./tiny", "-c", "Bench", "--runs=1", "--ms=0"],
    { cwd: study, env: tools.env, stdio: ["ignore", "pipe", "inherit"] },
  );
  /** @type {Promise<number | null>} */
  const closed = new Promise((resolve) => client.once("close", resolve));
  let startedMs = NaN;
  /** @type {Event | undefined} */
  let sent;
  /** @type {(text: string) => Event} */
  const parse = JSON.parse;
  for await (const line of createInterface({ input: client.stdout })) {
    const event = parse(line);
    if (event.type === "sent") sent = event;
    if (event.type === "started" || event.type === "finished") startedMs ||= performance.now() - startedAt;
  }
  const exitCode = await closed;
  if (exitCode !== 0) throw new SetupError(`runall-swarm ${args.join(" ")}: exit code ${String(exitCode)}`);
  return { startedMs, sent };
}

/**
 * @param {string} top @param {(program: string, args: string[], cwd: string) => unknown} run
 * @returns {string} the study
 */
function makeProject(top, run) {
  const study = path.join(top, "study");
  cpSync(path.join(ROOT, "test/bench/tiny"), study, { recursive: true });
  for (let folder = 0; folder < FILES / 6; folder++) {
    const directory = path.join(top, "src", `folder${folder}`);
    mkdirSync(directory, { recursive: true });
    for (let file = 0; file < 6; file++)
      writeFileSync(path.join(directory, `file${file}.cc`), someCode(folder * 6 + file));
  }
  const identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"];
  run("git", ["init", "-q"], top);
  run("git", ["add", "-A"], top);
  run("git", [...identity, "commit", "-q", "-m", "Bench"], top);
  run("make", ["-s"], study);
  return study;
}

/** Text that packs about as well as C++ does. @param {number} seed */
function someCode(seed) {
  let state = seed + 1;
  const words = [];
  for (let length = 0; length < FILE_BYTES;) {
    state = (state * 48271) % 0x7fffffff;
    const word = state % 3 === 0 ? "    return value;\n" : `int name${state % 5000} = ${state % 100};\n`;
    words.push(word);
    length += word.length;
  }
  return words.join("");
}
