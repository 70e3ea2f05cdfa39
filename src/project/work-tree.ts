import { copyFile, lstat, mkdir, mkdtemp, readlink, rm, utimes } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { removeLeftovers, statIfThere } from "../system/files.ts";
import { cacheDirectory, isInside } from "../system/paths.ts";
import { parseEntries, type Checkout, type TreeEntry } from "./git.ts";
import { git, splitNul } from "./plumbing.ts";
import { isGenerated, isMadeByMakemake } from "./generated.ts";
import { addSubmodules } from "./submodules.ts";

/** The files of a work tree as git objects that lie beside the repository, which is only read. */
export interface WorkTreeFiles {
  /** Hash of the tree. */
  tree: string;
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
}

/** A work tree takes seconds to read; one that is older was left by a process that was killed. */
const LEFTOVER_AGE_MS = 3600_000;

/** Settings that make git start helpers, write beside the index, or complain about what is no fault here. */
const SETTINGS = Object.entries({
  "core.splitIndex": "false",
  "core.fsmonitor": "false",
  "core.untrackedCache": "false",
  "core.safecrlf": "false",
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

/** Where new objects go. */
export interface Scratch {
  scratch: string;
  objects: string;
}

export async function makeScratch(): Promise<Scratch & AsyncDisposable> {
  const parent = path.join(cacheDirectory(), "work-trees");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await removeLeftovers(parent, LEFTOVER_AGE_MS);
  const scratch = await mkdtemp(path.join(parent, ".swarm-tmp-"));
  const objects = path.join(scratch, "objects");
  await mkdir(path.join(objects, "info"), { recursive: true });
  await mkdir(path.join(objects, "pack"));
  const dispose = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  return { scratch, objects, [Symbol.asyncDispose]: dispose };
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
  const env = (): NodeJS.ProcessEnv => ({
    GIT_INDEX_FILE: index,
    ...objectsEnvironment(objects, alternates),
  });
  await copyIndex(path.join(checkout.gitDirectory, "index"), index);
  const filters = await filterSettings(checkout, signal);
  const run: Run = (args, input) =>
    git([...SETTINGS, ...filters.settings, ...args], {
      cwd: checkout.top,
      env: env(),
      signal,
      ...(input !== undefined && { input }),
      explain: (reason) => explain(checkout.top, reason),
    });
  await refuseConflicts(checkout, run);
  // Compares what looks changed, but is not, without "writing" it: git would touch the object that is there already.
  await run(["update-index", "-q", "--force-write-index", "--refresh"]);
  await run(["add", "--update", "--", "."]);
  const untracked = await untrackedFiles(reading, run);
  const forced = prefix === "" ? await shippedFiles(reading, run) : { files: [], missing: [] };
  await addFiles(run, [...untracked.files, ...forced.files]);
  await addUnfiltered(checkout, filters.names, run);
  const list = async (): Promise<TreeEntry[]> => parseEntries(await run(["ls-files", "--stage", "-z"]));
  const own = await list();
  refuseStrangeNames(own.map((entry) => entry.path));
  const inner = await addSubmodules(reading, own, run, (submodule) => readInto(submodule, signal));
  const [tree, entries] = await Promise.all([run(["write-tree"]), inner === undefined ? own : list()]);
  const repositories = untracked.repositories.map(
    (folder) => `${prefix}${folder} is a git repository of its own and is not sent`,
  );
  const missing = forced.missing.map((file) => `${file} is to be sent, but is not there`);
  const warnings = [
    ...missing,
    ...repositories,
    ...(await linksLeadingOut(checkout.top, own)),
    ...(inner ?? []),
  ];
  return { tree: tree.trim(), entries, env: env(), warnings };
}

/** For git processes that write new objects to a directory of their own. */
export function objectsEnvironment(objects: string, alternates: readonly string[]): NodeJS.ProcessEnv {
  return { GIT_OBJECT_DIRECTORY: objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: joinPaths(alternates) };
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
  const moment = new Date(Number(stats.mtimeMs) - 1);
  await utimes(to, moment, moment);
}

export type Run = (args: readonly string[], input?: string) => Promise<string>;

async function refuseConflicts(checkout: Checkout, run: Run): Promise<void> {
  const conflicts = splitNul(await run(["ls-files", "--unmerged", "-z"]));
  if (conflicts.length === 0) return;
  const names = [...new Set(conflicts.map((line) => line.slice(line.indexOf("\t") + 1)))];
  throw new UserError(`there are conflicts of a merge in ${checkout.top}: ${names.join(", ")}`, {
    hint: "resolve them and git add the files, or give the merge up with: git merge --abort",
  });
}

async function untrackedFiles(
  { checkout, prefix, isLeftOut }: Reading,
  run: Run,
): Promise<{ files: string[]; repositories: string[] }> {
  const listed = splitNul(await run(["ls-files", "--others", "--exclude-standard", "-z"]));
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
  run: Run,
): Promise<{ files: string[]; missing: string[] }> {
  if (ship.length === 0) return { files: [], missing: [] };
  const found = await Promise.all(ship.map((file) => statIfThere(path.join(checkout.top, file))));
  const listed = splitNul(
    await run(["ls-files", "--others", "-z", "--", ...ship.map((file) => `:(literal)${file}`)]),
  );
  refuseStrangeNames(listed);
  return {
    files: listed.filter((file) => !file.endsWith("/")),
    missing: ship.filter((_, index) => found[index] === undefined),
  };
}

async function addFiles(run: Run, files: readonly string[]): Promise<void> {
  if (files.length > 0) await run(["update-index", "--add", "-z", "--stdin"], files.join("\0"));
}

async function existing(top: string, files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(files.map((file) => statIfThere(path.join(top, file))));
  return files.filter((_, index) => found[index]?.isFile() === true);
}

/** Filters such as Git LFS keep something else in the repository than on the disk: they are switched off. */
async function filterSettings(
  checkout: Checkout,
  signal?: AbortSignal,
): Promise<{ names: string[]; settings: string[] }> {
  const { top } = checkout;
  const listed = await git(["config", "--null", "--name-only", "--list"], { cwd: top, signal });
  const names = splitNul(listed).flatMap((name) => /^filter\.(.+)\.[^.]+$/.exec(name)?.[1] ?? []);
  const unique = [...new Set([...names, "lfs"])];
  const settings = unique.flatMap((name) => [
    "-c",
    `filter.${name}.process=`,
    "-c",
    `filter.${name}.required=false`,
  ]);
  return { names: unique, settings };
}

const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** Tracked files that pass a filter are taken as they lie on the disk, whatever the index says of them. */
async function addUnfiltered(checkout: Checkout, filters: readonly string[], run: Run): Promise<void> {
  if (!(await run(["ls-files", "-z", "--", ":(glob)**/.gitattributes"]))) return;
  const patterns = filters.map((name) => `:(attr:filter=${name})`);
  const files = await existing(checkout.top, splitNul(await run(["ls-files", "-z", "--", ...patterns])));
  if (files.length === 0) return;
  const hashes = await run(["hash-object", "-w", "--no-filters", "--stdin-paths"], `${files.join("\n")}\n`);
  const lines = hashes.trim().split("\n");
  const entries = await Promise.all(
    files.map(async (file, at) => {
      const { mode, size } = await lstat(path.join(checkout.top, file));
      if (size < 1024) await refusePointer(run, lines[at]!, file);
      return `${(mode & 0o111) === 0 ? "100644" : "100755"} ${lines[at]!}\t${file}`;
    }),
  );
  await run(["update-index", "-z", "--index-info"], entries.join("\0") + "\0");
}

async function refusePointer(run: Run, object: string, file: string): Promise<void> {
  if (!(await run(["cat-file", "blob", object])).startsWith(LFS_POINTER)) return;
  throw new UserError(`${file} is kept by Git LFS, and only its pointer is here`, {
    hint: "fetch the file itself: git lfs install && git lfs pull",
  });
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

/** @see git(1) GIT_ALTERNATE_OBJECT_DIRECTORIES: paths with a colon stand in double quotes. */
function joinPaths(directories: readonly string[]): string {
  const quoted = [...new Set(directories)].map((directory) =>
    /[:"\\]/.test(directory) ? JSON.stringify(directory) : directory,
  );
  return quoted.join(":");
}
