import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "rolldown";
import { builtMongoServer, provideMongoServer } from "./mongo-server.js";
import { ROOT, SetupError } from "./setup.js";

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */
/** @typedef {{ type: string, sizeBytes?: number, tookMs?: number }} Event */

/** As in INET 4.5, whose files take 18 MB when git has packed them. */
const FILES = 7500;
const FILE_BYTES = 12_000;

/**
 * Measures how long it takes to send a project of INET's size to a swarm on other machines (here simulated on
 * this one), and the time to the first run if nothing has changed.
 * @param {string} place a temporary folder
 * @param {Tools} tools
 * @param {(program: string, args: string[], cwd: string) => unknown} run
 * @returns {Promise<Row[]>}
 */
export async function shipRows(place, tools, run) {
  const missing = await provideMongoServer((text) => console.log(text));
  if (missing !== undefined || !existsSync(builtMongoServer())) {
    console.log(`skipping the upload of a project: ${missing ?? "it does not use MONGO_URL or mongod"}`);
    return [];
  }
  const study = makeProject(path.join(place, "ship"), run);
  const machine = await startOtherMachine(place, tools.env);
  try {
    return await measure(study, machine, tools.env);
  } finally {
    await machine.end();
  }
}

/**
 * @param {string} study @param {Awaited<ReturnType<typeof startOtherMachine>>} machine
 * @param {NodeJS.ProcessEnv} env with a swarm on this machine
 * @returns {Promise<Row[]>}
 */
async function measure(study, machine, env) {
  const ship = () => firstRun(machine.client(study), study, machine.env);
  const first = await ship();
  appendFileSync(path.join(study, "../src/folder0/file0.cc"), "// a line\n");
  const changed = await ship();
  const again = await ship();
  const tiny = ["./tiny", "-c", "Bench", "--runs=1", "--ms=0"];
  const here = [path.join(ROOT, "bin/runall-swarm.js"), "--json", "--rerun", ...tiny];
  await firstRun(here, study, env);
  const local = await firstRun(here, study, env);
  return [
    shipRow("first upload of a project of INET's size", first, "60 s", "MB", 1e6),
    shipRow("… after a change of one line", changed, "5 kB", "kB", 1e3),
    startRow("… unchanged: time to the first run", local, "on this machine"),
    startRow("… unchanged: time to the first run", again, "on other machines"),
  ];
}

/**
 * Starts a worker with its own servers that does not share files with the client.
 * @param {string} place @param {NodeJS.ProcessEnv} inherited
 */
async function startOtherMachine(place, inherited) {
  const socket = path.join(place, "redis.sock");
  const mongo = path.join(place, "mongo.sock");
  const remote = path.join(place, "remote");
  const client = path.join(ROOT, ".cache", "bench");
  mkdirSync(path.join(place, "mongo"));
  await build({
    input: path.join(ROOT, "test/bench/ship-client.ts"),
    platform: "node",
    tsconfig: path.join(ROOT, "tsconfig.build.json"),
    transform: { target: "node20.19" },
    logLevel: "warn",
    output: { dir: client, cleanDir: true, entryFileNames: "[name].js" },
  });
  /**
   * @type {NodeJS.ProcessEnv} without OMNeT++, whose version would differ from the version that tiny reports
   */
  const env = {
    ...inherited,
    PATH: withoutOmnetpp(inherited["PATH"] ?? ""),
    MONGO_URL: `mongodb://${encodeURIComponent(mongo)}/bench`,
  };
  const worker = ["--directory", remote, "--builds", path.join(remote, "builds")];
  const tool = path.join(ROOT, "bin/swarm-worker.js");
  const processes = [
    spawn(builtMongoServer(), ["-socket", mongo, "-data", `file:${place}/mongo/`], {
      stdio: ["pipe", "ignore", "inherit"], // the server ends when its stdin is closed
    }),
    spawn("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", place], {
      stdio: "ignore",
    }),
    spawn(process.execPath, [tool, "all", "--redis", socket, ...worker], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    }),
  ];
  const ended = processes.map((each) => once(each, "close"));
  return {
    env,
    /** @param {string} study */
    client: (study) => [
      path.join(client, "ship-client.js"),
      study,
      socket,
      path.join(place, "client-builds"),
    ],
    async end() {
      for (const [index, each] of processes.toReversed().entries()) {
        each.kill("SIGTERM");
        await ended.at(-1 - index);
      }
    },
  };
}

/** @param {string} searchPath */
function withoutOmnetpp(searchPath) {
  const folders = searchPath.split(path.delimiter);
  return folders.filter((folder) => !existsSync(path.join(folder, "opp_run"))).join(path.delimiter);
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

/** @param {string} what @param {{ startedMs: number }} measured @param {string} details @returns {Row} */
function startRow(what, { startedMs }, details) {
  return { what, figure: `${(startedMs / 1000).toFixed(2)} s`, limit: "1 s", details };
}

/**
 * Executes a campaign.
 * @param {string[]} command arguments of Node.js @param {string} cwd @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ startedMs: number, sent: Event | undefined }>} time to the first run, and what was sent
 */
async function firstRun(command, cwd, env) {
  const startedAt = performance.now();
  const client = spawn(process.execPath, command, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
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
  if (exitCode !== 0) throw new SetupError(`${command.join(" ")}: exit code ${String(exitCode)}`);
  return { startedMs, sent };
}

/**
 * Creates a git repository of INET's size.
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

/** Returns text that compresses about as well as C++ code. @param {number} seed */
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
