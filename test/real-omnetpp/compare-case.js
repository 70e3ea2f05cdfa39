import path from "node:path";
import { ADDED_OPTIONS } from "./cases.js";
import { compareResults } from "./compare-results.js";
import { buildProject, makeCheckout } from "./projects.js";
import { runReference } from "./reference.js";

/** @import { Case } from "./cases.js" */
/** @import { Comparison } from "./compare-results.js" */
/** @import { Reference } from "./reference.js" */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {Reference} reference
 * @property {Comparison} comparison
 * @property {number} swarmMs wall time of runall-swarm, including its build if it had to build.
 */

/**
 * Executes a study both ways, each in a separate checkout, and compares the results.
 * @param {Case} study
 * @param {string} directory is created, and holds the checkouts `reference/NAME` and `swarm/NAME`.
 * @param {(directory: string, args: readonly string[]) => Promise<{ durationMs: number }>} runSwarm runs
 *   runall-swarm in a directory.
 * @returns {Promise<Row>}
 */
export async function compareCase(study, directory, runSwarm) {
  const name = path.basename(study.project.source);
  const [referenceCheckout, swarmCheckout] = ["reference", "swarm"].map((side) =>
    path.join(directory, side, name),
  );
  if (!referenceCheckout || !swarmCheckout) throw new Error("unreachable");
  await makeCheckout(study.project, referenceCheckout);
  await makeCheckout(study.project, swarmCheckout);
  await buildProject(study.project, referenceCheckout);
  const env = {
    INET_ROOT: referenceCheckout,
    PATH: [path.join(referenceCheckout, "bin"), process.env["PATH"]].join(path.delimiter),
  };
  const reference = await runReference(study, referenceCheckout, env);
  const studyDirectory = path.join(swarmCheckout, study.study);
  const swarm = await runSwarm(studyDirectory, [...study.swarmProgram, "-c", study.config, ...study.args]);
  const comparison = await compareResults(reference.results, path.join(studyDirectory, "results"), {
    addedOptions: ADDED_OPTIONS,
  });
  return { name: study.name, reference, comparison, swarmMs: swarm.durationMs };
}
