import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runDifferential } from "./differential.js";
import { SetupError, findProgram, runScript, setUp } from "./setup.js";
import { findCases } from "../test/real-omnetpp/cases.js";
import { compareCase } from "../test/real-omnetpp/compare-case.js";
import { formatDifferences, formatTable } from "../test/real-omnetpp/table.js";
import { runTool, withSwarm } from "../test/real-omnetpp/with-swarm.js";

// npm run test:omnetpp [-- CASE…]: executes parameter studies with the real OMNeT++, by opp_runall and by
// runall-swarm, and compares every result file. Exit code 1 on any difference; KEEP=1 keeps the files.
// npm run test:omnetpp -- --differential [N]: does the same for N generated studies (500), half of them for
// each store.

// The running programs receive Ctrl-C, too. Their case fails, and its files are removed below.
let interrupted = false;
process.on("SIGINT", () => (interrupted = true));

/** @param {readonly string[]} names parts of the names of cases; empty for all cases */
async function main(names) {
  await setUp({ system: ["redis-server", "git", "make"] });
  for (const name of ["opp_run", "opp_runall", "opp_makemake"]) {
    if (!findProgram(name)) throw new SetupError(`${name}: not found. Source OMNeT++'s setenv script first.`);
  }
  if (names[0] === "--differential") return await runDifferential(names[1]);
  const { cases, skipped } = findCases(process.env);
  for (const reason of skipped) console.warn(`SKIPPED ${reason}`);
  const chosen = cases.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)));
  // The path does not affect any result. Set TMPDIR if the default place has too little space for INET.
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), "swarm-omnetpp-")));
  try {
    return await withSwarm(directory, (env) =>
      compareAll(chosen, directory, (place, args) =>
        runTool("runall-swarm", args, { directory: place, env }),
      ),
    );
  } finally {
    if (process.env["KEEP"] === "1") console.log(`kept: ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

/** @import { Case } from "../test/real-omnetpp/cases.js" */
/** @typedef {(directory: string, args: readonly string[]) => Promise<{ durationMs: number }>} RunSwarm */

/** @param {readonly Case[]} cases @param {string} directory @param {RunSwarm} runSwarm */
async function compareAll(cases, directory, runSwarm) {
  const rows = [];
  let failures = 0;
  for (const [index, study] of cases.entries()) {
    if (interrupted) return 130;
    console.log(`${study.name}: ${study.config}…`);
    const place = path.join(directory, `${index}`);
    try {
      const row = await compareCase(study, place, runSwarm);
      rows.push(row);
      failures += row.comparison.differences.length + (row.comparison.files === 0 ? 1 : 0);
      if (row.comparison.differences.length > 0) console.log(formatDifferences(row));
    } catch (error) {
      failures++;
      console.error(error instanceof Error ? error.message : error);
    }
    if (process.env["KEEP"] !== "1") await rm(place, { recursive: true, force: true });
  }
  if (rows.length > 0) console.log(`\n${formatTable(rows)}`);
  return failures > 0 || rows.length === 0 ? 1 : 0;
}

await runScript(() => main(process.argv.slice(2)));
