import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { median, project, run } from "./bench-tools.js";
import { findProgram, ROOT } from "./setup.js";

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */
/** @typedef {{ wall: number, cpu: number }} Cost */

const RUNNERS = 2;
/** A result directory of its own: that of the study may have the user's results. */
const RESULTS = "results-of-bench";
/** Configs with short runs, and with runs that write 90 MB each: whole vectors, unlike the one that they resemble. */
const CONFIGS = `
[Config Short]
extends = Load
repeat = 14
sim-time-limit = 60000s
**.vector-recording = false

[Config Large]
*.source.arrivalRate = \${arrivalRate=0.5, 0.7, 0.9}
repeat = 4
sim-time-limit = 1500000s
`;
const HAS_CPU_TIMES = existsSync("/proc/self/stat");
/** Length of the kernel's unit of CPU time in ms. @see sysconf(3), _SC_CLK_TCK, which is 100 on Linux. */
const TICK_MS = 10;

/**
 * Compares the swarm on this machine with `opp_runall` on the same number of cores: 42 short runs; and runs with large
 * result files, of the project that `INET_PROJECT` names or else of the sample. Each pair is executed in turn.
 * @param {string} place @param {Tools} tools @param {number} rounds
 * @returns {Row[]}
 */
export function omnetppRows(place, tools, rounds) {
  if (findProgram("opp_runall") === undefined) {
    console.log("OMNeT++ is not on PATH: skipping the comparison with opp_runall");
    return [];
  }
  const make = "cd src && opp_makemake -f --deep -o mm1 && make -s MODE=release";
  const study = path.join(project("examples/mm1", place, ["sh"], ["-c", make]), "simulations");
  appendFileSync(path.join(study, "omnetpp.ini"), CONFIGS);
  const sample = ["../src/mm1", "-n", "../src:."];
  const short = [...sample, "-c", "Short"];
  const how = { tools, rounds };
  const rows = compare("42 short runs", study, short, runall([`-j${RUNNERS}`], short), how);
  rows.push(...replRows(study, short, how), ...answerRows(study, tools, rounds));
  const unbatched = [`-j${RUNNERS}`, "-b1"];
  const inet = process.env["INET_PROJECT"];
  if (!inet) {
    const large = [...sample, "-c", "Large"];
    return [...rows, ...compare("12 runs with large results", study, large, runall(unbatched, large), how)];
  }
  const ber = path.join(inet, "examples/inet/ber");
  const config = ["-c", "ber-flavour-experiment"]; // runall-swarm finds the program itself
  const reference = runall(unbatched, [path.join(inet, "bin/inet"), ...config]);
  try {
    return [...rows, ...compare("INET's ber", ber, config, reference, how)];
  } finally {
    rmSync(path.join(ber, RESULTS), { recursive: true, force: true });
  }
}

/**
 * What a campaign is compared with.
 * @typedef {{ title: string, program: string, args: readonly string[] }} Reference
 */

/** @param {readonly string[]} options @param {readonly string[]} args @returns {Reference} */
function runall(options, args) {
  const title = ["opp_runall", ...options].join(" ");
  return { title, program: "opp_runall", args: [...options, ...args, `--result-dir=${RESULTS}`] };
}

/**
 * Compares the short runs with opp_repl, where it is installed. It executes as many runs at once as there are cores.
 * @param {string} study @param {readonly string[]} short @param {{ tools: Tools, rounds: number }} how
 * @returns {Row[]}
 */
function replRows(study, short, how) {
  const program = "opp_run_simulations";
  if (findProgram(program) === undefined) return [];
  const top = path.dirname(study);
  const folders = `ned_folders=["src", "simulations"], ini_file_folders=["simulations"]`;
  const built = `executables=["src/mm1"], build_types=["executable"], omnetpp_project="omnetpp"`;
  const descriptions = {
    omnetpp: `OmnetppProject(name="omnetpp")\n`,
    mm1: `SimulationProject(name="mm1", root_folder=${JSON.stringify(top)}, ${folders}, ${built})\n`,
  };
  const load = Object.entries(descriptions).flatMap(([name, text]) => {
    const file = path.join(top, `${name}.opp`);
    writeFileSync(file, text);
    return ["--load", file];
  });
  const args = [...load, "-p", "mm1", "-m", "release", "--no-build", "-c", "^Short$"];
  return compare("42 short runs", study, short, { title: program, program, args }, how);
}

/**
 * @param {string} what @param {string} study @param {readonly string[]} own @param {Reference} reference
 * @param {{ tools: Tools, rounds: number }} how
 * @returns {Row[]}
 */
function compare(what, study, own, reference, { tools, rounds }) {
  const results = path.join(study, RESULTS);
  const remove = () => rmSync(results, { recursive: true, force: true });
  const args = [...own, `--result-dir=${RESULTS}`];
  tools.runall(study, ["--quiet", ...args, "-r", "0"]); // builds the project
  /** @type {{ swarm: Cost, local: Cost }[]} */
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    remove();
    const local = costOf(
      () => void run(reference.program, reference.args, study, tools.env),
      () => 0,
    );
    remove();
    const swarm = costOf(
      () => void tools.runall(study, ["--quiet", ...args]),
      () => swarmCpu(tools),
    );
    pairs.push({ swarm, local });
  }
  const bytes = sizeOf(results);
  const wall = ratioRow(`${what}: wall time compared with ${reference.title}`, pairs, "wall", "1.0 x");
  const size = `${(bytes / 1e6).toFixed(0)} MB of results`;
  const rows = [{ ...wall, details: `${wall.details}; ${size}` }];
  return HAS_CPU_TIMES ? [...rows, ratioRow(`${what}: CPU time, likewise`, pairs, "cpu", "1.03 x")] : rows;
}

/** @param {string} what @param {readonly { swarm: Cost, local: Cost }[]} pairs @param {keyof Cost} kind @param {string} limit @returns {Row} */
function ratioRow(what, pairs, kind, limit) {
  const ratios = pairs.map(({ swarm, local }) => swarm[kind] / local[kind]).sort((a, b) => a - b);
  const [least, most] = [ratios[0] ?? NaN, ratios.at(-1) ?? NaN];
  const seconds = (/** @type {"swarm" | "local"} */ side) =>
    (median(pairs.map((pair) => pair[side][kind])) / 1000).toFixed(2);
  return {
    what,
    figure: `${median(ratios).toFixed(2)} x`,
    limit,
    details: `${least.toFixed(2)} to ${most.toFixed(2)}; ${seconds("swarm")} s compared with ${seconds("local")} s`,
  };
}

/** The time in which commands answer that only ask. @param {string} study @param {Tools} tools @param {number} rounds @returns {Row[]} */
function answerRows(study, tools, rounds) {
  const commands = [
    ["swarm-tool", "status"],
    ["runall-swarm", "list"],
    ["runall-swarm", "attach", "last", "--quiet"],
    ["runall-swarm", "__complete", "attach", ""], // as the tab key calls it
    ["runall-swarm", "__complete", "-c", ""],
  ];
  /** @param {readonly string[]} args */
  const time = (args) =>
    median(Array.from({ length: 5 * rounds }, () => run(process.execPath, args, study, tools.env).ms));
  const empty = time(["-e", ""]);
  return commands.map(([tool, ...args]) => {
    const ms = time([path.join(ROOT, `bin/${tool}.js`), ...args]);
    return {
      what: [tool, ...args].join(" ").trimEnd(),
      figure: `${ms.toFixed(0)} ms`,
      limit: "250 ms",
      details: `node -e '' takes ${empty.toFixed(0)} ms`,
    };
  });
}

/** @param {() => void} work @param {() => number} othersCpu CPU time of processes that were started before, in ms. @returns {Cost} */
function costOf(work, othersCpu) {
  const before = childrenCpu() + othersCpu();
  const startedAt = performance.now();
  work();
  return { wall: performance.now() - startedAt, cpu: childrenCpu() + othersCpu() - before };
}

/** CPU time of the ended children of this process. */
function childrenCpu() {
  if (!HAS_CPU_TIMES) return 0;
  const [, , userOfChildren, systemOfChildren] = cpuTimes("self");
  return userOfChildren + systemOfChildren;
}

/** CPU time of the swarm's processes and of their ended children. @param {Tools} tools */
function swarmCpu(tools) {
  if (!HAS_CPU_TIMES) return 0;
  return tools
    .pids()
    .flatMap((pid) => cpuTimes(String(pid)))
    .reduce((sum, ms) => sum + ms, 0);
}

/**
 * User and system time of a process, and of its ended children, in ms.
 * @param {string} pid @returns {[number, number, number, number]} @see proc(5), stat, fields 14 to 17.
 */
function cpuTimes(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const times = fields.slice(11, 15).map((ticks) => Number(ticks) * TICK_MS);
  return /** @type {[number, number, number, number]} */ (times);
}

/** @param {string} folder */
function sizeOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return entries.reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}
