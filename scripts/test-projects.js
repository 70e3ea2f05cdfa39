import { existsSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { SetupError, findProgram, runScript, setUp } from "./setup.js";
import { withSwarm } from "../test/real-omnetpp/with-swarm.js";
import { checkEntry } from "../test/projects/check-entry.js";
import { checkCommit, findCheckout, makeClone } from "../test/projects/checkouts.js";
import { describeEntry, parseTable } from "../test/projects/entry.js";
import { TABLE } from "../test/projects/table.js";

// npm run test:projects -- FOLDER… [--only TEXT] [--minutes N]: executes studies of public repositories,
// whose checkouts are in FOLDER, with the real OMNeT++, locally and by runall-swarm, and compares the
// results. Exit code 1 on any fault; KEEP=1 keeps the files.

/** @import { Entry } from "../test/projects/entry.js" */

const DEFAULT_MINUTES = "8";

// Only this process receives Ctrl-C: its child processes have their own process groups, and a deadline.
let interrupted = false;
process.on("SIGINT", () => (interrupted = true));

/** @param {readonly string[]} args */
async function main(args) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true },
      minutes: { type: "string", default: DEFAULT_MINUTES },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new SetupError(`--minutes ${values.minutes}: not a number above 0`);
  await setUp({ system: ["redis-server", "git", "make"] });
  for (const name of ["opp_run", "opp_runall", "opp_makemake"]) {
    if (!findProgram(name)) throw new SetupError(`${name}: not found. Source OMNeT++'s setenv script first.`);
  }
  const folders = await Promise.all(
    positionals.map((folder) =>
      realpath(folder).catch(() => {
        throw new SetupError(`${folder}: not found`);
      }),
    ),
  );
  const { only = [] } = values;
  const entries = parseTable(TABLE).filter(
    (entry) => only.length === 0 || only.some((text) => describeEntry(entry).includes(text)),
  );
  if (entries.length === 0) throw new SetupError(`--only ${only.join(" ")}: no entry of the table matches`);
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), "swarm-projects-")));
  try {
    return await withSwarm(directory, (env) =>
      checkAll(entries, folders, { directory, env, limitMs: minutes * 60_000 }),
    );
  } finally {
    if (process.env["KEEP"] === "1") console.log(`kept: ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

/**
 * @param {readonly Entry[]} entries
 * @param {readonly string[]} folders
 * @param {{ directory: string, env: NodeJS.ProcessEnv, limitMs: number }} options
 */
async function checkAll(entries, folders, options) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const warned = new Set();
  /** @param {Entry} entry @param {string} state @param {string} text */
  const report = (entry, state, text) => {
    counts.set(state, (counts.get(state) ?? 0) + 1);
    console.log(`${state.padEnd(14)} ${describeEntry(entry)} (${entry.shape}): ${text}`);
  };
  for (const [index, entry] of entries.entries()) {
    if (interrupted) return 130;
    const checkout = findCheckout(entry, folders);
    if (checkout === undefined) {
      report(entry, "SKIPPED", "no checkout in the given folders");
      continue;
    }
    const warning = await checkCommit(entry, checkout);
    if (warning !== undefined && !warned.has(checkout))
      console.warn(`warning: ${entry.repository} is ${warning}`);
    warned.add(checkout);
    const { needed, missing } = await provideNeeded(entry, folders, options.directory);
    if (missing.length > 0) {
      report(entry, "SKIPPED", `no checkout of ${missing.join(", ")} in the given folders`);
      continue;
    }
    const place = path.join(options.directory, `${index}`);
    const env = { ...options.env, ...needed };
    const { state, text } = await checkEntry(entry, checkout, { ...options, env, directory: place });
    report(entry, state, text);
    if (process.env["KEEP"] !== "1") await rm(place, { recursive: true, force: true });
  }
  const repositories = new Set(entries.map(({ repository }) => repository)).size;
  const shapes = new Set(entries.map(({ shape }) => shape)).size;
  const summary = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  console.log(`\n${entries.length} entries of ${repositories} repositories and ${shapes} shapes: ${summary}`);
  return counts.has("FAULT") || (counts.get("SKIPPED") ?? 0) === entries.length ? 1 : 0;
}

/**
 * Clones each project that an entry needs, once for all entries.
 * @param {Entry} entry
 * @param {readonly string[]} folders
 * @param {string} directory
 * @returns {Promise<{ needed: NodeJS.ProcessEnv, missing: string[] }>} variables with their folders.
 */
async function provideNeeded({ needs = [] }, folders, directory) {
  /** @type {NodeJS.ProcessEnv} */
  const needed = {};
  const missing = [];
  for (const repository of needs) {
    const checkout = findCheckout({ repository }, folders);
    if (checkout === undefined) {
      missing.push(repository);
      continue;
    }
    const name = path.basename(repository);
    const clone = path.join(directory, "needed", name);
    if (!existsSync(clone)) await makeClone(checkout, clone);
    needed[`${name.toUpperCase()}_ROOT`] = clone;
  }
  return { needed, missing };
}

await runScript(() => main(process.argv.slice(2)));
