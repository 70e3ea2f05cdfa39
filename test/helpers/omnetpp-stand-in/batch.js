import process from "node:process";
import { OppError } from "./errors.js";
import { loadNedFolders } from "./ned.js";
import { selectRuns } from "./scenario.js";
import { simulate } from "./simulate.js";

/** @typedef {import("./config.js").Configuration} Configuration */
/** @typedef {import("./config.js").ActiveRun} ActiveRun */
/** @typedef {import("./console.js").Console} Console */

/** @type {import("./scenario.js").Assignment} */
const NO_RUN = new Map();

/**
 * Executes all runs that the filter selects, one after the other.
 * @param {Configuration} configuration @param {Console} console
 * @param {{ configName: string, runFilter: string, nedFolders: string[], nedExclusions: string[], hasCode: boolean }} request
 * @returns {Promise<number>} the exit code: 1 if a run failed, 2 if the batch was interrupted
 */
export async function runBatch(configuration, console, request) {
  const { configName, runFilter, nedFolders, nedExclusions, hasCode } = request;
  let interrupted = false;
  const interrupt = () => void (interrupted = true);
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  /** @param {unknown} error */
  const report = (error) => {
    if (!(error instanceof OppError)) throw error;
    console.error(error.message);
  };
  /** @type {Set<string>} */
  let networks;
  /** @type {number[]} */
  let numbers;
  /** @type {import("./scenario.js").Assignment[]} */
  let runs;
  try {
    console.verbose("\n");
    networks = loadNedFolders(nedFolders, nedExclusions, (text) => console.verbose(text));
    runs = configuration.runs(configName);
    numbers = selectRuns(runFilter, runs);
  } catch (error) {
    report(error);
    return 1;
  }
  const context = { processId: process.pid, date: new Date() };
  let tried = 0;
  let errors = 0;
  for (const number of numbers) {
    let stopOnError = true;
    try {
      console.verbose(`\nPreparing for running configuration ${configName}, run #${number}...\n`);
      const batch = { index: tried++, runs: numbers.length };
      const run = configuration.activate(configName, number, runs[number] ?? NO_RUN, context);
      stopOnError = run.isOn("cmdenv-stop-batch-on-error");
      announce(run, console);
      await simulate(run, console, batch, { networks, hasCode, interrupted: () => interrupted });
    } catch (error) {
      errors++;
      report(error);
      if (stopOnError) break;
    } finally {
      console.endRedirection();
    }
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- a signal's handler sets it
    if (interrupted) break;
  }
  if (numbers.length > 1) console.out(statistics(numbers.length, tried, errors));
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- a signal's handler sets it
  return errors > 0 ? 1 : interrupted ? 2 : 0;
}

/** @param {ActiveRun} run @param {Console} console */
function announce(run, console) {
  const { configName, runNumber } = run;
  const variables = run.variable("iterationvars");
  const scenario = `${variables === "" ? "" : `${variables}, `}$repetition=${run.variable("repetition")}`;
  if (console.silent)
    console.out(`${configName} run #${runNumber}: ${scenario} (runID: ${run.variable("runid")})\n`);
  if (run.isOn("cmdenv-redirect-output")) {
    const file = run.file("cmdenv-output-file");
    console.verbose(`Redirecting output to file "${file}"...\n`);
    console.redirect(file);
    console.verbose(`\nRunning configuration ${configName}, run #${runNumber}...\n`);
  }
  if (variables !== "") console.verbose(`Scenario: ${scenario}\n`);
  console.verbose(`Assigned runID=${run.variable("runid")}\n`);
}

/** @param {number} total @param {number} tried @param {number} errors */
function statistics(total, tried, errors) {
  const counts = { successful: tried - errors, errors, skipped: total - tried };
  const parts = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`, ${name} ${count}`] : []));
  return `\nRun statistics: total ${total}${parts.join("")}\n`;
}
