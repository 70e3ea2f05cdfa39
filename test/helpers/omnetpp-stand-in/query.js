import process from "node:process";
import { OppError } from "./errors.js";
import { OPTIONS } from "./options.js";
import { selectRuns } from "./scenario.js";

/** @typedef {import("./config.js").Configuration} Configuration */
/** @typedef {import("./console.js").Console} Console */

const PER_RUN = ["numruns", "runnumbers", "runs", "rundetails", "runconfig"];

/** @type {import("./scenario.js").Assignment} */
const NO_RUN = new Map();

/** The process id in a run's id: any number will do. */
const CONTEXT = { processId: process.pid, date: new Date() };

/**
 * Answers `-a`, `-q` and `-e`.
 * @param {Configuration} configuration @param {Console} console
 * @param {{ all: boolean, question: string | undefined, option: string | undefined, configName: string, runFilter: string }} request
 * @returns {number} the exit code
 */
export function query(configuration, console, { all, question, option, configName, runFilter }) {
  console.verbose("\n");
  if (all) {
    for (const name of configuration.names) {
      console.out(`Config ${name}: `);
      console.out(`${configuration.runs(name).length}\n`);
    }
    return 0;
  }
  if (question === "sectioninheritance") {
    console.verbose("\n");
    const names = configuration
      .chain(configName)
      .map(({ name }) => (name === "General" ? name : `Config ${name}`));
    console.out(`${names.join("\n")}\n`);
    return 0;
  }
  if (question !== undefined && !PER_RUN.includes(question)) {
    console.error(`Unrecognized -q argument '${question}'`);
    return 1;
  }
  configuration.chain(configName);
  const runs = configuration.runs(configName);
  const numbers = selectRuns(runFilter, runs);
  /** @param {number} number */
  const activate = (number) => configuration.activate(configName, number, runs[number] ?? NO_RUN, CONTEXT);
  if (question === undefined) {
    const [number] = numbers;
    if (number === undefined) throw new OppError("Run filter does not match any run");
    if (numbers.length > 1) throw new OppError(`Run filter matches more than one run (${numbers.length})`);
    const name = option ?? "";
    if (!(name in OPTIONS)) throw new OppError(`Configuration option "${name}" not found`);
    console.out(`${activate(number).option(name)}\n`);
    return 0;
  }
  console.verbose(`Config: ${configName}\nNumber of runs: ${runs.length}\n`);
  if (runFilter.trim() !== "") console.verbose(`Number of runs selected: ${numbers.length}\n`);
  checkVariables(
    runs.map((_, number) => number),
    activate,
  );
  console.out(answer(question, numbers, runs, activate, console.silent));
  return 0;
}

/** @param {number[]} numbers @param {(number: number) => unknown} activate */
function checkVariables(numbers, activate) {
  try {
    // each run fails or none does: all of them know the same variables
    if (numbers[0] !== undefined) activate(numbers[0]);
  } catch (error) {
    if (!(error instanceof OppError)) throw error;
    throw new OppError(`Scenario generator: ${error.message}`);
  }
}

/**
 * @param {string} question @param {number[]} numbers @param {import("./scenario.js").Assignment[]} runs
 * @param {(number: number) => import("./config.js").ActiveRun} activate @param {boolean} silent
 */
function answer(question, numbers, runs, activate, silent) {
  if (question === "numruns") return silent ? `${numbers.length}\n` : "";
  const lead = silent ? "" : "\n";
  if (question === "runnumbers") {
    const label = silent ? "" : "Run numbers:";
    return `${lead}${label}${numbers.map((number) => ` ${number}`).join("")}\n`;
  }
  const texts = numbers.map((number) => {
    const info = [...(runs[number] ?? [])].map(([name, value]) => `$${name}=${value}`).join(", ");
    const head = `Run ${number}: ${info}\n`;
    if (question === "runs") return head;
    const run = activate(number);
    const entries = question === "runconfig" ? run.entries : run.iterated;
    return head + entries.map(({ key, value }) => `\t${key} = ${value}\n`).join("");
  });
  return lead + texts.join(question === "runs" ? "" : "\n");
}
