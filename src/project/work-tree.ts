import { copyFile, readlink, utimes } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { statIfThere } from "../system/files.ts";
import { isInside } from "../system/paths.ts";
import { addAsTheyLie, addUnfiltered, existing, filterSettings } from "./filters.ts";
import { parseEntries, type Checkout, type TreeEntry } from "./git.ts";
import { git, splitNul } from "./plumbing.ts";
import { isGenerated, isMadeByMakemake } from "./generated.ts";
import { readingEnvironment, writingEnvironment, type Scratch } from "./scratch.ts";
import { withSubmodules } from "./submodules.ts";

/** The files of a work tree. Their contents lie in the repository, or as objects beside it. */
export interface WorkTreeFiles {
  entries: TreeEntry[];
  /** What a git process needs to see the objects. */
  env: NodeJS.ProcessEnv;
  warnings: string[];
}

export interface WorkTreeRequest {
  checkout: Checkout;
  /** Files and folders that are taken though git ignores them, relative to the top level. */
  ship: readonly string[];
  /** Of the untracked files, what is left out besides the generated ones: results, binaries. */
  isLeftOut: Promise<(file: string) => boolean>;
  /** What runs have written, also if git tracks it. */
  isOutput?: Promise<(file: string) => boolean>;
}

/** Settings that make git start helpers, write beside the index, or complain about what is no fault here. */
const SETTINGS = Object.entries({
  "core.splitIndex": "false",
  "core.fsmonitor": "false",
  "core.untrackedCache": "false",
  "core.safecrlf": "false",
  "add.ignoreErrors": "false",
  "advice.addEmbeddedRepo": "false",
  "gc.auto": "0",
}).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/**
 * Reads what lies in a work tree: tracked files as they are, and those that git neither tracks nor ignores.
 * It happens in a copy of the index, and new objects go to a directory of their own, so that the repository
 * stays as it is, whenever this is broken off.
 * @throws {UserError} for conflicts, files that cannot be read, names that are not UTF-8.
 * @see gitglossary(7) "index"; git(1) GIT_INDEX_FILE, GIT_OBJECT_DIRECTORY, GIT_ALTERNATE_OBJECT_DIRECTORIES.
 */
export async function readWorkTree(
  request: WorkTreeRequest,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<WorkTreeFiles> {
  return await readInto({ ...request, ...scratch, alternates: [], prefix: "" }, signal);
}

export interface Reading extends WorkTreeRequest, Scratch {
  /** Object directories of the repositories read so far. */
  alternates: string[];
  /** Of a submodule: its path within the whole tree, with a slash at its end. */
  prefix: string;
}

/** One repository; its submodules are read in turn and their files become part of the tree. */
async function readInto(reading: Reading, signal?: AbortSignal): Promise<WorkTreeFiles> {
  const { checkout, objects, prefix, scratch, alternates } = reading;
  alternates.push(checkout.objectDirectory);
  const index = path.join(scratch, `index${alternates.length}`);
  await copyIndex(path.join(checkout.gitDirectory, "index"), index);
  const filters = await filterSettings(checkout, signal);
  const as =
    (env: () => NodeJS.ProcessEnv) =>
    (args: readonly string[], input?: string): Promise<string> =>
      git([...SETTINGS, ...filters.settings, ...args], {
        cwd: checkout.top,
        env: { GIT_INDEX_FILE: index, ...env() },
        signal,
        ...(input !== undefined && { input }),
        explain: (reason) => explain(checkout.top, reason),
      });
  const env = (): NodeJS.ProcessEnv => readingEnvironment(objects, alternates);
  const run: Git = { read: as(env), write: as(() => writingEnvironment(objects)) };
  await refuseConflicts(checkout, run);
  await addChanges(checkout, run);
  const untracked = await untrackedFiles(reading, run);
  const forced = prefix === "" ? await shippedFiles(reading, run) : { files: [], missing: [] };
  await addFiles(run, [...untracked.files, ...forced.files]);
  await addUnfiltered(checkout, filters.names, run);
  const own = parseEntries(await run.read(["ls-files", "--stage", "-z"]));
  refuseStrangeNames(own.map((entry) => entry.path));
  const whole = await withSubmodules(reading, own, (submodule) => readInto(submodule, signal));
  const repositories = untracked.repositories.map(
    (folder) => `${prefix}${folder} is a git repository of its own and is not sent`,
  );
  const missing = forced.missing.map((file) => `${file} is to be sent, but is not there`);
  const leading = await linksLeadingOut(checkout.top, own);
  const warnings = [...missing, ...repositories, ...leading, ...whole.warnings];
  return { entries: whole.entries, env: env(), warnings };
}

/** Runs git in the repository that is read, with the copy of its index. */
export interface Git {
  /** What needs the repository's objects and writes none. */
  read: (args: readonly string[], input?: string) => Promise<string>;
  /** What writes objects; it does not see the repository's. */
  write: (args: readonly string[], input?: string) => Promise<string>;
}

/**
 * Tracked files that are changed or gone. One that has CR LF in the index keeps its line ends, as with `git add`,
 * which would have to see the old content for that.
 */
async function addChanges(checkout: Checkout, run: Git): Promise<void> {
  await run.read(["update-index", "-q", "--force-write-index", "--refresh"]); // what only looks changed
  const changed = splitNul(await run.read(["ls-files", "--modified", "--deleted", "--eol", "-z"]));
  if (changed.length === 0) return;
  const withCr = changed.flatMap((line) => /^i\/(?:crlf|mixed) [^\t]*\t(.*)$/s.exec(line)?.[1] ?? []);
  await run.write(["add", "--update", "--", "."]);
  await addAsTheyLie(checkout, await existing(checkout.top, withCr), run);
}

/**
 * Times in the index are compared with its own, to tell files that changed just after it was written; so the
 * copy must not look younger.
 * @see git's Documentation/technical/racy-git.txt
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const stats = await statIfThere(from);
  if (stats === undefined) return; // nothing was ever added
  await copyFile(from, to);
  const moment = new Date(stats.mtimeMs - 1);
  await utimes(to, moment, moment);
}

async function refuseConflicts(checkout: Checkout, run: Git): Promise<void> {
  const conflicts = splitNul(await run.read(["ls-files", "--unmerged", "-z"]));
  if (conflicts.length === 0) return;
  const names = [...new Set(conflicts.map((line) => line.slice(line.indexOf("\t") + 1)))];
  throw new UserError(`there are conflicts of a merge in ${checkout.top}: ${names.join(", ")}`, {
    hint: "resolve them and git add the files, or give the merge up with: git merge --abort",
  });
}

async function untrackedFiles(
  { checkout, prefix, isLeftOut }: Reading,
  run: Git,
): Promise<{ files: string[]; repositories: string[] }> {
  const listed = splitNul(await run.read(["ls-files", "--others", "--exclude-standard", "-z"]));
  refuseStrangeNames(listed);
  const leftOut = await isLeftOut;
  const candidates = listed.filter((file) => !leftOut(prefix + file) && !isGenerated(file));
  const made = await Promise.all(candidates.map((file) => isMadeByMakemake(path.join(checkout.top, file))));
  const wanted = candidates.filter((_, index) => !made[index]);
  const repositories = wanted.filter((file) => file.endsWith("/"));
  const files = wanted.filter((file) => !file.endsWith("/"));
  return { files, repositories };
}

/** @returns besides the files, what is named and is not there. */
async function shippedFiles(
  { checkout, ship }: Reading,
  run: Git,
): Promise<{ files: string[]; missing: string[] }> {
  if (ship.length === 0) return { files: [], missing: [] };
  const found = await Promise.all(ship.map((file) => statIfThere(path.join(checkout.top, file))));
  const places = ship.map((file) => `:(literal)${file}`);
  const listed = splitNul(await run.read(["ls-files", "--others", "-z", "--", ...places]));
  refuseStrangeNames(listed);
  return {
    files: listed.filter((file) => !file.endsWith("/")),
    missing: ship.filter((_, index) => found[index] === undefined),
  };
}

async function addFiles(run: Git, files: readonly string[]): Promise<void> {
  if (files.length > 0) await run.write(["update-index", "--add", "-z", "--stdin"], files.join("\0"));
}

function refuseStrangeNames(files: readonly string[]): void {
  const strange = files.find((file) => file.includes("\ufffd"));
  if (strange === undefined) return;
  throw new UserError(`the name of a file is not UTF-8: ${strange}`, {
    hint: "rename it, or have git ignore it",
  });
}

/** A link out of the checkout leads nowhere on a worker, so what it leads to would be missing without a word. */
async function linksLeadingOut(top: string, entries: readonly TreeEntry[]): Promise<string[]> {
  const links = entries.filter((entry) => entry.mode === "120000");
  const targets = await Promise.all(
    links.map(async ({ path: file }) => {
      const target = await readlink(path.join(top, file)).catch(() => "");
      const absolute = path.resolve(top, path.dirname(file), target);
      return isInside(top, absolute) ? [] : [`${file} is a link out of the checkout, to ${target}`];
    }),
  );
  return targets.flat();
}

function explain(top: string, reason: string): UserError {
  const unreadable =
    /open\("(.+)"\): (.+)/.exec(reason) ?? /unable to (?:stat|open) '?([^':]+)'?: (.+)/.exec(reason);
  if (unreadable) {
    return new UserError(`${path.join(top, unreadable[1]!)} cannot be read: ${unreadable[2]!}`, {
      hint: "make it readable, or have git ignore it",
    });
  }
  return new UserError(`git cannot read the files of ${top}: ${reason}`, {
    hint: "see whether the repository is whole: git fsck",
  });
}
