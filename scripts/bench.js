import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { largeRows } from "./bench-large.js";
import { orderRows } from "./bench-order.js";
import { mongoRows } from "./bench-mongo.js";
import { omnetppRows } from "./bench-omnetpp.js";
import { shipRows } from "./bench-ship.js";
import { benchEnvironment, median, print, project, run, toolsIn } from "./bench-tools.js";
import { ROOT, runScript, setUp } from "./setup.js";

/**
 * Measures what users wait for and prints each figure with its limit. Figures are ratios or medians, because
 * machines differ and are shared. `npm run bench -- 5` uses five rounds instead of three. `--large` adds
 * 100,000 runs and a result of 1 GB, which takes 15 minutes. `--ship` measures only the upload of a project,
 * `--mongo` only the transfer of results through MongoDB, including one of 1 GB, `--order` only the order of runs,
 * `--omnetpp` only the comparison with `opp_runall`.
 */

const ROUNDS = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 3);
const ONLY_MONGO = process.argv.includes("--mongo");
const LARGE = process.argv.includes("--large");
const ONLY_SHIP = process.argv.includes("--ship");
const ONLY_ORDER = process.argv.includes("--order");
const ONLY_OMNETPP = process.argv.includes("--omnetpp");
const RUNNERS = 2;

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */
/** @typedef {{ wallTimeMs: number, startedAt: string }} RunTimes */

await runScript(async () => {
  await setUp({ system: ["redis-server", "git", "make", "cc"] });
  if (!ONLY_OMNETPP) print(await orderRows());
  if (ONLY_ORDER) return 0;
  const place = mkdtempSync(path.join(tmpdir(), "swarm-bench-"));
  const tools = toolsIn(benchEnvironment(place));
  try {
    if (!ONLY_MONGO) tools.swarmTool(["init", "--local", "--runners", String(RUNNERS)]);
    const ship = () => shipRows(place, tools, run);
    if (ONLY_SHIP) {
      print(await ship());
      return 0;
    }
    if (ONLY_OMNETPP) {
      print(omnetppRows(place, tools, ROUNDS));
      return 0;
    }
    const study = project("test/bench/tiny", place, ["make"], ["-s"]);
    if (ONLY_MONGO) {
      print(await mongoRows(study, tools, { rounds: ROUNDS, large: true }));
      return 0;
    }
    /** @type {Row[]} */
    const rows = [
      helpTime(),
      ...tinyRows(study, tools),
      ...omnetppRows(place, tools, ROUNDS),
      ...(await ship()),
    ];
    print(rows);
    print(await mongoRows(study, tools, { rounds: ROUNDS, large: LARGE }));
    if (LARGE) print(await largeRows(study, tools));
  } finally {
    if (!ONLY_MONGO) tools.swarmTool(["remove", "local", "--force"]);
    rmSync(place, { recursive: true, force: true });
  }
  return 0;
});

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
    what: "--help compared with node -e ''",
    figure: `${(Math.max(...help) / empty).toFixed(2)} x`,
    limit: "2 x",
    details: `${help.map((ms) => ms.toFixed(0)).join(", ")} ms compared with ${empty.toFixed(0)} ms`,
  };
}

/** @param {string} study @param {Tools} tools @returns {Row[]} */
function tinyRows(study, tools) {
  const tiny = ["--quiet", "./tiny", "-c", "Bench"];
  /** @type {number[]} */
  const longPauses = [];
  /**
   * @param {number} runs number of runs of 1 s.
   * @returns {number} wall time relative to the time of the runs alone
   */
  const relativeTime = (runs) => {
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
  const long = rounds(() => relativeTime(20));
  const longer = relativeTime(100);
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
  const completed = tools.runall(study, [...tiny, "--runs=10000", "--ms=0"]);
  return [
    {
      what: "20 runs of 1 s: wall time / (run time / runners)",
      figure: `${median(long).toFixed(3)} x`,
      limit: "1.02 x",
      details: "including start and end of the client",
    },
    {
      what: "100 runs of 1 s: the same",
      figure: `${longer.toFixed(3)} x`,
      limit: "1.02 x",
      details: "one round",
    },
    {
      what: "pause of a runner between two runs",
      figure: `${median(longPauses).toFixed(1)} ms`,
      limit: "10 ms",
      details: "mean over the runs of a round",
    },
    {
      what: "10,000 runs expanded and queued",
      figure: `${(queueing.ms / 1000).toFixed(1)} s`,
      limit: "3 s",
      details: "while the runners execute them",
    },
    {
      what: "10,000 empty runs executed and collected",
      figure: `${total.toFixed(0)} s`,
      limit: "100 s",
      details: `${(10_000 / total).toFixed(0)} runs/s`,
    },
    {
      what: "10,000 runs that have already completed",
      figure: `${(completed.ms / 1000).toFixed(1)} s`,
      limit: "5 s",
      details: "each record and file is checked",
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
