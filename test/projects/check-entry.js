import path from "node:path";
import { ADDED_OPTIONS } from "../real-omnetpp/cases.js";
import { NOT_A_RESULT, compareResults } from "../real-omnetpp/compare-results.js";
import { toolPath } from "../real-omnetpp/with-swarm.js";
import { GIT_ENVIRONMENT, makeClone } from "./checkouts.js";
import { compareExpansion, parseDryRun, parseRuns } from "./expansion.js";
import { ReferenceError, runLocally, simulationArgs } from "./reference.js";
import { runBounded } from "./run-bounded.js";
import { collectFiles, findChanges, takeSnapshot } from "./snapshot.js";

/** @import { Entry } from "./entry.js" */

/**
 * @typedef {object} Outcome
 * @property {"ok" | "expansion only" | "FAULT"} state
 * @property {string} text what was compared, or what is wrong.
 */

const SHOWN_FILES = 5;
/** Results that OMNeT++ replaces, even if git tracks them. */
const REPLACED = /\.(?:sca|vec|vci|elog|out)$/;

/**
 * Checks one entry of the table in fresh clones of its checkout.
 * @param {Entry} entry
 * @param {string} checkout is only read.
 * @param {{ directory: string, env: NodeJS.ProcessEnv, limitMs: number }} options directory: is created; env: of the swarm;
 *   limitMs: for each of the two sides.
 * @returns {Promise<Outcome>}
 */
export async function checkEntry(entry, checkout, { directory, env, limitMs }) {
  try {
    const name = entry.repository.replace(/^.*\//, "");
    const swarm = path.join(directory, "swarm", name);
    await makeClone(checkout, swarm);
    const expansion = await checkExpansion(entry, swarm, { env, deadline: Date.now() + limitMs });
    if (entry.refused !== undefined && expansion?.includes(entry.refused))
      return { state: "ok", text: `refused: ${entry.refused}` };
    if (expansion !== undefined) return { state: "FAULT", text: expansion };
    if (entry.refused !== undefined) return { state: "FAULT", text: `not refused: ${entry.refused}` };
    if (entry.expansionOnly !== undefined) {
      return { state: "expansion only", text: `${countOf(entry.runs, "run")}; ${entry.expansionOnly}` };
    }
    const local = path.join(directory, "local", name);
    await makeClone(checkout, local);
    const expected = await runLocally(entry, local, Date.now() + limitMs);
    const result = await runThroughSwarm(entry, swarm, { env, deadline: Date.now() + limitMs });
    if (typeof result === "string") return { state: "FAULT", text: result };
    const [left, right] = [path.join(directory, "expected"), path.join(directory, "found")];
    await collectFiles(local, expected, left);
    // files with the same content in the repository need not be written again
    const same = expected.filter((file) => !result.written.includes(file) && result.before.has(file));
    await collectFiles(swarm, [...same, ...result.written], right, result.besides);
    const comparison = await compareResults(left, right, { addedOptions: ADDED_OPTIONS });
    const faults = [
      ...comparison.differences.map(({ file, reason }) => `${file}: ${reason}`),
      ...result.faults,
      ...(comparison.files === 0 ? ["there is no result file to compare"] : []),
    ];
    if (faults.length > 0) return { state: "FAULT", text: listOf(faults) };
    return { state: "ok", text: `${countOf(entry.runs, "run")}, ${countOf(comparison.files, "file")} equal` };
  } catch (error) {
    if (error instanceof ReferenceError) return { state: "FAULT", text: error.message };
    throw error;
  }
}

/** @typedef {{ env: NodeJS.ProcessEnv, deadline: number }} SwarmOptions */

/** @param {Entry} entry @param {string} checkout @param {SwarmOptions} options */
async function checkExpansion(entry, checkout, { env, deadline }) {
  const directory = path.join(checkout, entry.study);
  const args = [...(entry.ini === undefined ? [] : ["-f", entry.ini]), "-c", entry.config];
  const wanted = await runBounded(["opp_run", ...args, "-s", "-q", "runs"], { directory, deadline });
  if (!wanted.succeeded) return wanted.reason;
  const options = { directory, env: { ...env, ...GIT_ENVIRONMENT }, deadline };
  const found = await runBounded([process.execPath, toolPath("runall-swarm"), "--dry-run", ...args], options);
  if (!found.succeeded) return shorten(found.reason);
  return compareExpansion(parseRuns(wanted.output), parseDryRun(found.output), entry.runs);
}

/**
 * Executes a part of the study twice, and checks what changes in the checkout.
 * @param {Entry} entry @param {string} checkout @param {SwarmOptions} options
 */
async function runThroughSwarm(entry, checkout, { env, deadline }) {
  const directory = path.join(checkout, entry.study);
  const options = { directory, env: { ...env, ...GIT_ENVIRONMENT }, deadline };
  const command = [process.execPath, toolPath("runall-swarm"), ...simulationArgs(entry)];
  const before = await takeSnapshot(checkout);
  const first = await runBounded(command, options);
  const after = await takeSnapshot(checkout);
  const { written, removed } = findChanges(before, after);
  if (!first.succeeded) {
    const left = written.filter((file) => !NOT_A_RESULT.test(file));
    return `${shorten(first.reason)}${left.length > 0 ? `\n  left: ${listOf(left)}` : ""}`;
  }
  const second = await runBounded(command, options);
  if (!second.succeeded) return `the second call: ${shorten(second.reason)}`;
  const rewritten = findChanges(after, await takeSnapshot(checkout));
  return {
    written,
    before,
    besides: findBesides(written, before, `${entry.config}-`),
    faults: [
      ...written.filter((file) => before.has(file) && !REPLACED.test(file)).map((file) => `${file}: changed`),
      ...removed.map((file) => `${file}: removed`),
      ...[...rewritten.written, ...rewritten.removed].map((file) => `${file}: changed by a second call`),
    ],
  };
}

/**
 * A file that the repository has stays unchanged, and the run's version is put beside it under the run's name.
 * @param {readonly string[]} written
 * @param {ReadonlyMap<string, string>} before
 * @param {string} config
 * @returns {Map<string, string>} the name that the run gave to each of these
 */
function findBesides(written, before, config) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const file of written) {
    const at = file.lastIndexOf(`.${config}`);
    const plain = at < 0 ? file : file.slice(0, at) + file.slice(at + 1 + config.length).replace(/^\d+/, "");
    if (plain !== file && before.has(plain)) found.set(file, plain);
  }
  return found;
}

/** @param {string} reason */
function shorten(reason) {
  return reason.replaceAll(`${process.execPath} ${toolPath("runall-swarm")}`, "runall-swarm");
}

/** @param {readonly string[]} items */
function listOf(items) {
  const more = items.length - SHOWN_FILES;
  return [...items.slice(0, SHOWN_FILES), ...(more > 0 ? [`and ${more} more`] : [])].join("\n  ");
}

/** @param {number} count @param {string} noun */
function countOf(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
