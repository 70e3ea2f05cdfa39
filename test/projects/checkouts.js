import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { SetupError, findProgram } from "../../scripts/setup.js";
import { runProgram } from "../real-omnetpp/run-program.js";

/** @import { Entry } from "./entry.js" */

/** Git without the user's settings. */
export const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_LFS_SKIP_SMUDGE: "1",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.org",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.org",
};
const BUILT = /(^|\/)out(\/|$)|\.(o|so|exe|dll)$/;

/**
 * Where the checkout of an entry is: FOLDER/OWNER+NAME, FOLDER/OWNER/NAME or FOLDER/NAME.
 * @param {Pick<Entry, "repository">} entry
 * @param {readonly string[]} folders
 */
export function findCheckout({ repository }, folders) {
  const [owner = "", name = ""] = repository.split("/");
  if (owner === "samples") return findSample(name);
  return folders
    .flatMap((folder) =>
      [`${owner}+${name}`, path.join(owner, name), name].map((place) => path.join(folder, place)),
    )
    .find((place) => existsSync(path.join(place, ".git")));
}

/** @param {string} name */
function findSample(name) {
  const program = findProgram("opp_run");
  const folder = path.join(program ?? "", "..", "..", "samples", name);
  return program !== undefined && existsSync(folder) ? folder : undefined;
}

/**
 * Creates a fresh clone; for a folder without a repository, a repository with its sources.
 * @param {string} source is only read.
 * @param {string} directory is created.
 */
export async function makeClone(source, directory) {
  await mkdir(path.dirname(directory), { recursive: true });
  if (existsSync(path.join(source, ".git"))) {
    await git(["clone", "--quiet", source, directory], path.dirname(directory));
    return;
  }
  const programs = listPrograms(source);
  await cp(source, directory, {
    recursive: true,
    filter: (file) => !BUILT.test(path.relative(source, file)) && !programs.has(file),
  });
  await rm(path.join(directory, "results"), { recursive: true, force: true });
  await git(["init", "--quiet", "--initial-branch=main"], directory);
  await git(["add", "--all"], directory);
  await git(["commit", "--quiet", "--message=A copy for a test"], directory);
}

/** Programs that a sample's folder contains after a build: they have its name. @param {string} folder */
function listPrograms(folder) {
  const name = path.basename(folder);
  return new Set(
    readdirSync(folder)
      .filter((file) => [name, `${name}_dbg`].includes(file))
      .map((file) => path.join(folder, file)),
  );
}

/**
 * Checks that a checkout is at the commit for which its entry was written.
 * @param {Entry} entry
 * @param {string} checkout
 * @returns {Promise<string | undefined>} a warning
 */
export async function checkCommit({ commit }, checkout) {
  if (commit === undefined || !existsSync(path.join(checkout, ".git"))) return undefined;
  const head = (await git(["rev-parse", "HEAD"], checkout)).trim();
  return head.startsWith(commit) ? undefined : `at ${head.slice(0, 8)}, the table is for ${commit}`;
}

/**
 * Removes files that a clean build would generate although git tracks them: out/, and _m files of messages.
 * @param {string} directory
 */
export async function removeDerived(directory) {
  const files = (await git(["ls-files", "-z"], directory)).split("\0").filter((file) => file !== "");
  for (const file of derivedFiles(files)) await rm(path.join(directory, file), { force: true });
}

/** @param {readonly string[]} files that git tracks */
export function derivedFiles(files) {
  const all = new Set(files);
  return files.filter((file) => {
    const message = /^(.*)_m\.(cc|cpp|h)$/.exec(file);
    return BUILT.test(file) || (message !== null && all.has(`${message[1]}.msg`));
  });
}

/** @param {readonly string[]} args @param {string} directory */
async function git(args, directory) {
  if (!existsSync(directory)) throw new SetupError(`${directory}: not found`);
  const { output } = await runProgram("git", args, { directory, env: GIT_ENVIRONMENT });
  return output;
}
