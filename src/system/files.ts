import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, renameSync, writeFileSync, type Stats } from "node:fs";
import {
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  utimes,
} from "node:fs/promises";
import path from "node:path";
import { errorCode, withPath } from "../errors.ts";
import { shortHash } from "../short-hash.ts";
import { openRegularFile } from "./regular-file.ts";
import { removeTree } from "./remove-tree.ts";
import { thisHost } from "./host.ts";
import { identify } from "./identity.ts";

// What is done for every run and takes some microseconds (a name looked up, a file renamed, a short text written)
// is done at once: by way of Node.js's thread pool it would cost ten times as much of the processor that the
// simulations need.

const TEMPORARY_PREFIX = ".swarm-tmp-";

let ownMark: string | undefined;

let marks: { name: string; ids: string } | undefined;

function hostMarks(): { name: string; ids: string } {
  const hash = (text: string): string => shortHash(text, 8);
  const { name, boot, pids } = thisHost();
  return (marks ??= { name: hash(name), ids: `${hash(boot)}${hash(pids)}` });
}

/** Tells by which process a temporary file was made: host, pid and start time. */
function markOf(pid: number, startTime: string): string {
  const { name, ids } = hostMarks();
  return `${name}${ids}.${pid}.${startTime.replaceAll(/\W/g, "")}`;
}

/** Name of a temporary file beside `file`; the prefix tells ours apart when leftovers are looked for. */
export function temporaryName(file: string): string {
  ownMark ??= markOf(process.pid, identify(process.pid)!.startTime);
  return path.join(
    path.dirname(file),
    `${TEMPORARY_PREFIX}${ownMark}-${randomBytes(6).toString("hex")}-${path.basename(file).slice(0, 60)}`,
  );
}

/** Whether a temporary file is that of a process that has ended: of this host, or of this host before its last boot. */
function isAbandoned(name: string): boolean {
  const mark = name.slice(TEMPORARY_PREFIX.length);
  const [, machine, boot, pids, pid, startTime] =
    /^([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})\.(\d+)\.(\w+)-/.exec(mark) ?? [];
  if (pid === undefined || startTime === undefined) return false;
  const here = hostMarks();
  if (`${boot}${pids}` !== here.ids) return machine === here.name && !here.ids.startsWith(`${boot}`);
  return identify(Number(pid))?.startTime.replaceAll(/\W/g, "") !== startTime;
}

/** A temporary folder that whoever has the same key finds again, so that one process removes what another left. */
export function temporaryFolder(directory: string, key: string): string {
  return path.join(directory, `${TEMPORARY_PREFIX}${key}`);
}

/** Whether a name is that of a temporary file or folder of ours. */
export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

const LEFTOVER_AGE_MS = 24 * 3600_000;

/**
 * Removes temporary files and folders of ours that a killed process left in a directory.
 * @param olderThanMs since their last change: a younger one may be in use, perhaps on another machine, unless its
 *   process was one of this machine and has ended.
 */
export async function removeLeftovers(directory: string, olderThanMs = LEFTOVER_AGE_MS): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  for (const name of names.filter(isTemporary)) {
    const file = path.join(directory, name);
    const age = Date.now() - ((await statIfThere(file))?.ctimeMs ?? Infinity);
    if (age >= olderThanMs || isAbandoned(name)) await removeTree(file);
  }
}

/**
 * Removes temporary files and folders of ended processes of this user and machine from a directory that other users
 * may share. What cannot be removed stays: it is in nobody's way.
 */
export async function removeAbandoned(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []); // some may write to their TMPDIR, but not list it
  for (const name of names.filter((each) => isTemporary(each) && isAbandoned(each))) {
    const file = path.join(directory, name);
    if ((await statIfThere(file))?.uid !== process.getuid?.()) continue;
    await removeTree(file).catch(() => undefined);
  }
}

/** Writes a file so that a reader sees the old content or the new one, never a part. */
export async function writeFileAtomically(file: string, content: string, mode = 0o644): Promise<void> {
  const temporary = temporaryName(file);
  try {
    writeFileSync(temporary, content, { flag: "wx", mode });
    renameSync(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // what happened first counts
    throw withPath(error, file);
  }
}

/**
 * Moves a file or symbolic link; an existing target is replaced. Across file systems it is copied under a
 * temporary name first, so that the final name never shows a part of it; so is a file that has other names as well
 * (hard links), which would change with it. Its times stay: an index (`.vci`) names the modification time of its vector file.
 */
export async function moveFile(from: string, to: string): Promise<void> {
  const stats = lstatSync(from);
  if (stats.nlink > 1 && stats.isFile()) {
    await copyThenRename(from, to);
    await rm(from);
    return;
  }
  try {
    renameSync(from, to);
  } catch (error) {
    if (errorCode(error) !== "EXDEV") throw error;
    await copyThenRename(from, to);
    await rm(from);
  }
}

/** Gives a file a second name; where the file system has no hard links, or between two of them, it is copied. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!["EXDEV", "EPERM", "ENOTSUP", "EMLINK"].includes(errorCode(error) ?? "")) throw error;
    await copyThenRename(from, to);
  }
}

async function copyThenRename(from: string, to: string): Promise<void> {
  const temporary = temporaryName(to);
  try {
    const stats = await lstat(from);
    if (stats.isSymbolicLink()) await symlink(await readlink(from), temporary);
    else {
      await copyFile(from, temporary);
      await utimes(temporary, stats.atimeMs / 1000, stats.mtimeMs / 1000); // a Date is rounded, perhaps upwards
    }
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // what happened first counts
    throw error;
  }
}

/**
 * Moves files below one directory to the same relative paths below another.
 * @param files paths relative to `from`.
 */
export async function moveFiles(from: string, to: string, files: readonly string[]): Promise<void> {
  const made = new Set<string>();
  for (const file of files) {
    const target = path.join(to, file);
    const directory = path.dirname(target);
    if (!made.has(directory)) {
      mkdirSync(directory, { recursive: true });
      made.add(directory);
    }
    await moveFile(path.join(from, file), target);
  }
}

/** lstat, or undefined where there is nothing of that name. */
export function statIfThere(file: string): Promise<Stats | undefined> {
  return new Promise((resolve) => {
    try {
      resolve(lstatSync(file, { throwIfNoEntry: false }));
    } catch (error) {
      if (errorCode(error) !== "ENOTDIR") throw error; // it rejects the promise
      resolve(undefined);
    }
  });
}

/** A file's text, or undefined where there is no regular file of that name. */
export async function contentOf(file: string): Promise<string | undefined> {
  const handle = await openRegularFile(file);
  try {
    return await handle?.readFile("utf8");
  } finally {
    await handle?.close();
  }
}

/** Non-empty lines of a file; none where there is no such file. */
export async function linesOf(file: string): Promise<string[]> {
  const content = (await contentOf(file)) ?? "";
  return content.split("\n").flatMap((line) => line.trim() || []);
}

/**
 * Creates a folder and those above it. Step by step: in /proc, where nothing can be made, `mkdir` with `recursive` tries
 * for ever (Node.js 20).
 * @param mode of those that did not exist.
 * @returns the folders that did not exist before, outermost first.
 */
export async function makeFolders(directory: string, mode?: number): Promise<string[]> {
  if (await isFolder(directory)) return [];
  const parent = path.dirname(directory);
  const made = parent === directory ? [] : await makeFolders(parent, mode);
  try {
    await mkdir(directory, { mode });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (errorCode(error) !== "EEXIST" || !(await isFolder(directory))) throw error;
    return made;
  }
  return [...made, directory];
}

/** Whether something is a folder, or a link to one. */
async function isFolder(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** Why a folder stays: it is in use, gone already, or on a disk that has become read-only. */
const STAYS = ["ENOTEMPTY", "EEXIST", "ENOENT", "EROFS", "EACCES", "EPERM", "EBUSY", "ENOTDIR"];

/** Removes those folders that are empty, if that is possible. @param folders outermost first. */
export async function removeEmptyFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) {
    await rmdir(folder).catch((error: unknown) => {
      if (!STAYS.includes(errorCode(error) ?? "")) throw error;
    });
  }
}
