import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { runProgram } from "./run-program.js";

/** @import { Case } from "./cases.js" */

const JOBS = 2;

/**
 * @typedef {object} Reference
 * @property {number} runs
 * @property {string} results
 * @property {number} durationMs wall time as a user would run the study.
 * @property {string} note on the wall time; may be empty.
 */

/**
 * Runs a study with OMNeT++'s own tools, which leave its files in `results`.
 * @param {Case} study
 * @param {string} checkout
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Reference>}
 */
export async function runReference(study, checkout, env) {
  const options = { directory: path.join(checkout, study.study), env };
  const command = [...study.program, "-c", study.config, ...study.args];
  const [program = "", ...args] = command;
  const results = path.join(options.directory, "results");
  const { output } = await runProgram(program, [...args, "-s", "-q", "runnumbers"], options);
  const runNumbers = output.trim().split(/\s+/).map(Number);
  const runs = runNumbers.length;
  if (study.sharedNames) {
    const durationMs = await runEachAlone(study.config, runNumbers, command, options);
    return { runs, results, durationMs, note: "one by one" };
  }
  const { durationMs } = await runProgram("opp_runall", [`-j${JOBS}`, ...command], options);
  if (!study.batchesDiffer) return { runs, results, durationMs, note: "" };
  await rm(results, { recursive: true });
  const unbatched = await runProgram("opp_runall", [`-j${JOBS}`, "-b1", ...command], options);
  return { runs, results, durationMs, note: `with -b1 ${(unbatched.durationMs / 1000).toFixed(1)} s` };
}

/**
 * If runs write files of the same names, opp_runall leaves one of them, or a mixture. Each run is executed separately. The
 * last one's files keep their names, those of the others are put beside them with their runs' names.
 * @param {string} config
 * @param {readonly number[]} runNumbers
 * @param {readonly string[]} command
 * @param {{ directory: string, env: NodeJS.ProcessEnv }} options
 */
async function runEachAlone(config, runNumbers, [program = "", ...args], options) {
  const results = path.join(options.directory, "results");
  const alone = (/** @type {number} */ runNumber) => path.join(options.directory, `results-of-${runNumber}`);
  let durationMs = 0;
  for (const runNumber of runNumbers) {
    const run = await runProgram(program, [...args, "-u", "Cmdenv", "-r", `${runNumber}`], options);
    durationMs += run.durationMs;
    await rename(results, alone(runNumber));
  }
  await mkdir(results);
  /** @type {Set<string>} */
  const taken = new Set();
  for (const runNumber of runNumbers.toSorted((a, b) => b - a)) {
    for (const file of await readdir(alone(runNumber))) {
      const { name, ext } = path.parse(file);
      const place = taken.has(file) ? `${name}.${config}-${runNumber}${ext}` : file;
      taken.add(file);
      await rename(path.join(alone(runNumber), file), path.join(results, place));
    }
    await rm(alone(runNumber), { recursive: true });
  }
  return durationMs;
}
