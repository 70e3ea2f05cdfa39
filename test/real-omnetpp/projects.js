import { constants, existsSync } from "node:fs";
import { appendFile, copyFile, mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { ROOT, SetupError } from "../../scripts/setup.js";
import { runProgram } from "./run-program.js";

/**
 * A project of the user's, which is only read.
 * @typedef {object} Project
 * @property {string} source its folder.
 * @property {"folder" | "repository"} kind a repository is cloned; a folder (of a larger checkout) becomes a
 *   separate repository.
 * @property {readonly string[]} products existing binaries, which are copied, too.
 * @property {readonly string[]} [settings] files that decide what is built, not tracked by git.
 * @property {{ folder: string, makemake: readonly string[] }} [build] how it is built if it has no products.
 */

/** Git without the user's settings. */
const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.org",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.org",
};

/**
 * Creates a checkout of a project, with its binaries newer than its sources, as after a build.
 * @param {Project} project
 * @param {string} directory is created.
 */
export async function makeCheckout({ source, kind, products, settings = [] }, directory) {
  if (kind === "repository") await git(["clone", "--quiet", "--shared", source, directory], ROOT);
  else await makeRepository(source, directory);
  await exclude(directory, [...products, ...settings, "Makefile", "out/", "results/"]);
  for (const file of settings) {
    if (existsSync(path.join(source, file)))
      await copyFile(path.join(source, file), path.join(directory, file));
  }
  for (const file of products) {
    if (!existsSync(path.join(source, file)))
      throw new SetupError(`${path.join(source, file)}: not found; build it`);
    await copyFile(path.join(source, file), path.join(directory, file), constants.COPYFILE_FICLONE);
  }
}

/**
 * Builds what `makeCheckout` found no products for.
 * @param {Project} project
 * @param {string} directory
 */
export async function buildProject({ build }, directory) {
  if (!build) return;
  const folder = path.join(directory, build.folder);
  await runProgram("opp_makemake", build.makemake, { directory: folder });
  await runProgram("make", ["MODE=release", `-j${availableParallelism()}`], { directory: folder });
}

/** @param {string} source @param {string} directory */
async function makeRepository(source, directory) {
  // Files that git tracks or would track: neither binaries nor results.
  const listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = (await git(listing, source))
    .split("\0")
    .filter((file) => existsSync(path.join(source, file)));
  for (const file of files.filter((name) => name !== "")) {
    await mkdir(path.dirname(path.join(directory, file)), { recursive: true });
    await copyFile(path.join(source, file), path.join(directory, file));
  }
  await git(["init", "--quiet", "--initial-branch=main"], directory);
  await git(["add", "--all"], directory);
  await git(["commit", "--quiet", "--message=A copy for a test"], directory);
}

/** @param {string} directory @param {readonly string[]} patterns */
async function exclude(directory, patterns) {
  await appendFile(path.join(directory, ".git", "info", "exclude"), `${patterns.join("\n")}\n`);
}

/** @param {readonly string[]} args @param {string} directory */
async function git(args, directory) {
  const { output } = await runProgram("git", args, { directory, env: GIT_ENVIRONMENT });
  return output;
}
