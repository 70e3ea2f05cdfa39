import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import path from "node:path";
import { removeDerived } from "./checkouts.js";
import { runBounded } from "./run-bounded.js";
import { findChanges, takeSnapshot } from "./snapshot.js";

/** @import { Entry } from "./entry.js" */

/** What is wrong is the table, the checkout or this machine: a plain local run does not succeed. */
export class ReferenceError extends Error {
  /** @override */
  name = "ReferenceError";
}

/**
 * Builds a checkout with its own Makefile or opp_makemake and runs a part of the study, as a user would.
 * @param {Entry} entry
 * @param {string} checkout
 * @param {number} deadline as Date.now()
 * @returns {Promise<string[]>} the files that the runs wrote, relative to the checkout.
 */
export async function runLocally(entry, checkout, deadline) {
  await removeDerived(checkout);
  const before = await takeSnapshot(checkout);
  const build = entry.build ?? (await defaultBuild(checkout));
  await succeed(["bash", "-c", build], { directory: checkout, deadline });
  const built = await takeSnapshot(checkout);
  const program = entry.program ?? (await findProduct(checkout, findChanges(before, built).written));
  const study = path.join(checkout, entry.study);
  const simulation = [
    ...startOf(path.relative(study, path.join(checkout, program))),
    ...simulationArgs(entry),
  ];
  const ned = nedFolders(entry, checkout).map(
    (folder) => path.relative(study, path.join(checkout, folder)) || ".",
  );
  await succeed(["opp_runall", "-j2", "-b1", ...simulation, "-n", ned.join(":")], {
    directory: study,
    deadline,
  });
  return findChanges(built, await takeSnapshot(checkout)).written;
}

/** What both sides get. @param {Entry} entry */
export function simulationArgs({ ini, config, filter = "0", args = [] }) {
  return [...(ini === undefined ? [] : ["-f", ini]), "-c", config, "-r", filter, ...args];
}

/** @param {string} program relative to the study */
function startOf(program) {
  const library = /^(.*)lib([^/]+)\.(so|dylib)$/.exec(program);
  if (library) return ["opp_run", "-l", `${library[1]}${library[2]}`];
  return [program.includes("/") ? program : `./${program}`];
}

/** @param {string} checkout */
async function defaultBuild(checkout) {
  const makefile = path.join(checkout, "Makefile");
  const hasMakefiles = existsSync(makefile) && /^makefiles:/m.test(await readFile(makefile, "utf8"));
  return `${hasMakefiles ? "make makefiles" : "opp_makemake -f --deep"} && make MODE=release -j2`;
}

/** @param {Entry} entry @param {string} checkout */
function nedFolders({ ned, study }, checkout) {
  if (ned !== undefined) return ned;
  const usual = ["src", "simulations"].filter((folder) => existsSync(path.join(checkout, folder)));
  return usual.length === 2 ? usual : [study];
}

/** @param {string} checkout @param {readonly string[]} written by the build */
async function findProduct(checkout, written) {
  const products = [];
  for (const file of written) {
    if (/(^|\/)out\/|\.o$/.test(file)) continue;
    if (await isElf(path.join(checkout, file))) products.push(file);
  }
  const [product, ...others] = products;
  if (product !== undefined && others.length === 0) return product;
  throw new ReferenceError(
    `the build made ${products.join(", ") || "no program"}: the table has to name one`,
  );
}

/** @param {string} file */
async function isElf(file) {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1") === "\x7fELF" || buffer.readUInt32LE() === 0xfeedfacf;
  } finally {
    await handle.close();
  }
}

/** @param {readonly string[]} command @param {{ directory: string, deadline: number }} options */
async function succeed(command, options) {
  const ended = await runBounded(command, options);
  if (!ended.succeeded) throw new ReferenceError(`locally: ${ended.reason}`);
}
