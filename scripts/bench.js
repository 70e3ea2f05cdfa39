import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { largeRows } from "./bench-large.js";
import { mongoRows } from "./bench-mongo.js";
import { shipRows } from "./bench-ship.js";
import { benchEnvironment, print, project, run, toolsIn } from "./bench-tools.js";
import { findProgram, ROOT, runScript, setUp } from "./setup.js";

/**
 * Measures what a user waits for, side by side in one run, because machines differ and are shared: each figure
 * is a ratio or a median, and stands beside its limit. `npm run bench -- 5` makes five rounds instead of three;
 * with `--large` 100,000 runs and a result of 1 GB come after them, which takes a quarter of an hour. `--ship` measures
 * alone what it takes to bring a project to a swarm, `--mongo` the way of results through MongoDB with one of 1 GB.
 */

const ROUNDS = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 3);
const MONGO_ALONE = process.argv.includes("--mongo");
const LARGE = process.argv.includes("--large");
const SHIP_ALONE = process.argv.includes("--ship");
const RUNNERS = 2;

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */
/** @typedef {{ wallTimeMs: number, startedAt: string }} RunTimes */

await runScript(async () => {
  await setUp({ system: ["redis-server", "git", "make", "cc"] });
  const place = mkdtempSync(path.join(tmpdir(), "swarm-bench-"));
  const tools = toolsIn(benchEnvironment(place));
  try {
    if (!MONGO_ALONE) tools.swarmTool(["init", "--local", "--runners", String(RUNNERS)]);
    const ship = () => shipRows(place, tools, run);
    if (SHIP_ALONE) {
      print(await ship());
      return 0;
    }
    const study = project("test/bench/tiny", place, ["make"], ["-s"]);
    if (MONGO_ALONE) {
      print(await mongoRows(study, tools, { rounds: ROUNDS, large: true }));
      return 0;
    }
    /** @type {Row[]} */
    const rows = [helpTime(), ...tinyRows(study, tools), ...omnetppRow(place, tools), ...(await ship())];
    print(rows);
    print(await mongoRows(study, tools, { rounds: ROUNDS, large: LARGE }));
    if (LARGE) print(await largeRows(study, tools));
  } finally {
    if (!MONGO_ALONE) tools.swarmTool(["remove", "local", "--force"]);
    rmSync(place, { recursive: true, force: true });
  }
  return 0;
});

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** @param {() => number} once */
function rounds(once) {
  return Array.from({ length: ROUNDS }, once);
}

/** @returns {Row} */
function helpTime() {
  const help = [["runall-swarm"], ["runall-swarm", "attach"], ["swarm-tool"], ["swarm-worker"]].map(
    ([tool, ...words]) => {
      const args = [path.join(ROOT, `bin/${tool}.js`), ...words, "--help"];
      return median(rounds(() => run(process.execPath, args, ROOT).ms));
    },
  );
  const empty = median(rounds(() => run(process.execPath, ["-e", ""], ROOT).ms));
  return {
    what: "--help beside node -e ''",
    figure: `${(Math.max(...help) / empty).toFixed(2)} x`,
    limit: "2 x",
    details: `${help.map((ms) => ms.toFixed(0)).join(", ")} ms beside ${empty.toFixed(0)} ms`,
  };
}

/** @param {string} study @param {Tools} tools @returns {Row[]} */
function tinyRows(study, tools) {
  const tiny = ["--quiet", "./tiny", "-c", "Bench"];
  /** @type {number[]} */
  const longPauses = [];
  /** @param {number} runs of a second each. @returns {number} wall time beside what it would be without us. */
  const seconds = (runs) => {
    rmSync(path.join(study, "results"), { recursive: true, force: true });
    const { ms } = tools.runall(study, [...tiny, `--runs=${runs}`, "--ms=1000"]);
    const records = readRecords(study);
    const sum = records.reduce((total, record) => total + record.wallTimeMs, 0);
    const starts = records.map((record) => Date.parse(record.startedAt));
    const ends = records.map((record) => Date.parse(record.startedAt) + record.wallTimeMs);
    const idle = (Math.max(...ends) - Math.min(...starts)) * RUNNERS - sum;
    longPauses.push(idle / records.length);
    return ms / (sum / RUNNERS);
  };
  const long = rounds(() => seconds(20));
  const longer = seconds(100);
  const queueing = tools.runall(study, [
    "--detach",
    "--quiet",
    "./tiny",
    "-c",
    "Bench",
    "--runs=10000",
    "--ms=0",
  ]);
  const id = /attach (\S+)/.exec(queueing.stdout)?.[1] ?? "";
  const empty = tools.runall(study, ["attach", "--quiet", id]);
  const total = (queueing.ms + empty.ms) / 1000;
  const there = tools.runall(study, [...tiny, "--runs=10000", "--ms=0"]);
  return [
    {
      what: "20 runs of 1 s: wall time beside sum / runners",
      figure: `${median(long).toFixed(3)} x`,
      limit: "1.02 x",
      details: "start and end of the client included",
    },
    {
      what: "100 runs of 1 s: the same",
      figure: `${longer.toFixed(3)} x`,
      limit: "1.02 x",
      details: "one round",
    },
    {
      what: "a runner's pause between two runs",
      figure: `${median(longPauses).toFixed(1)} ms`,
      limit: "10 ms",
      details: "mean over the runs of a round",
    },
    {
      what: "10,000 runs expanded and queued",
      figure: `${(queueing.ms / 1000).toFixed(1)} s`,
      limit: "3 s",
      details: "while the runners work on them",
    },
    {
      what: "10,000 empty runs made and collected",
      figure: `${total.toFixed(0)} s`,
      limit: "100 s",
      details: `${(10_000 / total).toFixed(0)} runs a second`,
    },
    {
      what: "10,000 runs that are there already",
      figure: `${(there.ms / 1000).toFixed(1)} s`,
      limit: "5 s",
      details: "each record and file is looked at",
    },
  ];
}

/** @param {string} study @returns {RunTimes[]} */
function readRecords(study) {
  const folder = path.join(study, "results", ".swarm");
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  /** @type {(text: string) => RunTimes} */
  const parse = JSON.parse;
  return files.map((name) => parse(readFileSync(path.join(folder, name), "utf8")));
}

/** @param {string} place @param {Tools} tools @returns {Row[]} */
function omnetppRow(place, tools) {
  if (findProgram("opp_runall") === undefined) {
    console.log("OMNeT++ is not on PATH: nothing is compared with opp_runall");
    return [];
  }
  const top = project(
    "examples/mm1",
    place,
    ["sh"],
    ["-c", "cd src && opp_makemake -f --deep -o mm1 && make -s MODE=release"],
  );
  const study = path.join(top, "simulations");
  const args = [
    "../src/mm1",
    "-n",
    "../src:.",
    "-c",
    "Load",
    "--repeat=14",
    "--sim-time-limit=60000s",
    "--vector-recording=false",
  ];
  /** @type {[number, number][]} */
  const times = [];
  const pairs = rounds(() => {
    const ours = tools.runall(study, ["--quiet", "--rerun", ...args]).ms;
    const theirs = run("opp_runall", [`-j${RUNNERS}`, ...args], study, tools.env).ms;
    times.push([ours, theirs]);
    return ours / theirs;
  });
  const [ours, theirs] = [0, 1].map((index) =>
    (median(times.map((pair) => pair[index] ?? NaN)) / 1000).toFixed(2),
  );
  return [
    {
      what: "42 short runs beside opp_runall -j2",
      figure: `${median(pairs).toFixed(2)} x`,
      limit: "1.0 x",
      details: `${ours} s beside ${theirs} s`,
    },
  ];
}
