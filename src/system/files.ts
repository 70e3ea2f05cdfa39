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

// Operations that every run needs and that take microseconds (looking up a name, renaming a file, writing a short text)
// are synchronous: Node.js's thread pool would take ten times as much processor time from the simulations.

const TEMPORARY_PREFIX = ".swarm-tmp-";

let ownMark: string | undefined;

let hostMark: { name: string; ids: string } | undefined;

function thisHostMark(): { name: string; ids: string } {
  const hash = (text: string): string => shortHash(text, 8);
  const { name, boot, pids } = thisHost();
  return (hostMark ??= { name: hash(name), ids: `${hash(boot)}${hash(pids)}` });
}

/** Returns the part of a temporary file's name that identifies the process that created it: host, pid and start time. */
function markOf(pid: number, startTime: string): string {
  const { name, ids } = thisHostMark();
  return `${name}${ids}.${pid}.${startTime.replaceAll(/\W/g, "")}`;
}

/** Returns a new name for a temporary file in the folder of `file`. By its prefix, leftovers are recognized. */
export function temporaryName(file: string): string {
  ownMark ??= markOf(process.pid, identify(process.pid)!.startTime);
  return path.join(
    path.dirname(file),
    `${TEMPORARY_PREFIX}${ownMark}-${randomBytes(6).toString("hex")}-${path.basename(file).slice(0, 60)}`,
  );
}

/** Returns whether the process that created a temporary file ran on this host and has ended, for example by a reboot. */
function isAbandoned(name: string): boolean {
  const mark = name.slice(TEMPORARY_PREFIX.length);
  const [, machine, boot, pids, pid, startTime] =
    /^([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})\.(\d+)\.(\w+)-/.exec(mark) ?? [];
  if (pid === undefined || startTime === undefined) return false;
  const here = thisHostMark();
  if (`${boot}${pids}` !== here.ids) return machine === here.name && !here.ids.startsWith(`${boot}`);
  return identify(Number(pid))?.startTime.replaceAll(/\W/g, "") !== startTime;
}

/** Returns a temporary folder's path that depends only on a key, so that one process can remove what another left. */
export function temporaryFolder(directory: string, key: string): string {
  return path.join(directory, `${TEMPORARY_PREFIX}${key}`);
}

/** Returns whether a name is that of one of our temporary files or folders. */
export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

const LEFTOVER_AGE_MS = 24 * 3600_000;

/**
 * Removes our temporary files and folders that a killed process left in a directory.
 * @param olderThanMs time since their last change. A newer one may be in use, perhaps on another machine, and is
 *   removed only if its process ran on this machine and has ended.
 */
export async function removeLeftovers(directory: string, olderThanMs = LEFTOVER_AGE_MS): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  for (const name of names.filter(isTemporary)) {
    const file = path.join(directory, name);
    const age = Date.now() - ((await lstatIfExists(file))?.ctimeMs ?? Infinity);
    if (age >= olderThanMs || isAbandoned(name)) await removeTree(file);
  }
}

/**
 * Removes the temporary files and folders that ended processes of this user on this machine left in a directory, which
 * other users may share. What cannot be removed is left, because it does no harm.
 */
export async function removeAbandoned(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []); // a TMPDIR may be writable but not readable
  for (const name of names.filter((each) => isTemporary(each) && isAbandoned(each))) {
    const file = path.join(directory, name);
    if ((await lstatIfExists(file))?.uid !== process.getuid?.()) continue;
    await removeTree(file).catch(() => undefined);
  }
}

/** Writes a file atomically: a reader sees either the old or the new content. */
export async function writeFileAtomically(file: string, content: string, mode = 0o644): Promise<void> {
  const temporary = temporaryName(file);
  try {
    writeFileSync(temporary, content, { flag: "wx", mode });
    renameSync(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw withPath(error, file);
  }
}

/**
 * Moves a file or symbolic link; an existing target is replaced. Between file systems, it is copied under a temporary
 * name first, so that the final name never shows a partial file. A file with further hard links is copied as well:
 * otherwise, later writes would change the other names, too. Its times are preserved, because an index file (`.vci`)
 * contains the modification time of its vector file.
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

/** Creates a hard link to a file; copies the file if it cannot be linked, for example to another file system. */
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
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw error;
  }
}

/**
 * Moves files from one directory to the same relative paths in another.
 * @param files paths relative to `from`.
 */
export async function moveFiles(from: string, to: string, files: readonly string[]): Promise<void> {
  const created = new Set<string>();
  for (const file of files) {
    const target = path.join(to, file);
    const directory = path.dirname(target);
    if (!created.has(directory)) {
      mkdirSync(directory, { recursive: true });
      created.add(directory);
    }
    await moveFile(path.join(from, file), target);
  }
}

/** Returns the lstat of a file, or undefined if it does not exist. */
export function lstatIfExists(file: string): Promise<Stats | undefined> {
  return new Promise((resolve) => {
    try {
      resolve(lstatSync(file, { throwIfNoEntry: false }));
    } catch (error) {
      if (errorCode(error) !== "ENOTDIR") throw error; // rejects the promise
      resolve(undefined);
    }
  });
}

/** Returns a file's text, or undefined if there is no regular file of that name. */
export async function readTextIfExists(file: string): Promise<string | undefined> {
  const handle = await openRegularFile(file);
  try {
    return await handle?.readFile("utf8");
  } finally {
    await handle?.close();
  }
}

/** Returns the non-empty lines of a file, without white space at their ends; none if the file does not exist. */
export async function linesOf(file: string): Promise<string[]> {
  const content = (await readTextIfExists(file)) ?? "";
  return content.split("\n").flatMap((line) => line.trim() || []);
}

/**
 * Creates a folder and its missing parents, one by one: in /proc, where nothing can be created, `mkdir` with `recursive`
 * never returns (Node.js 20).
 * @param mode of the created folders.
 * @returns the created folders, outermost first.
 */
export async function makeFolders(directory: string, mode?: number): Promise<string[]> {
  if (await isFolder(directory)) return [];
  const parent = path.dirname(directory);
  const created = parent === directory ? [] : await makeFolders(parent, mode);
  try {
    await mkdir(directory, { mode });
  } catch (error) {
    // Another process may have created it in the meantime.
    if (errorCode(error) !== "EEXIST" || !(await isFolder(directory))) throw error;
    return created;
  }
  return [...created, directory];
}

/** Returns whether a path is a folder or a link to one. */
async function isFolder(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** The folder is in use, has been removed already, or is on a disk that has become read-only. */
const NOT_REMOVABLE = ["ENOTEMPTY", "EEXIST", "ENOENT", "EROFS", "EACCES", "EPERM", "EBUSY", "ENOTDIR"];

/** Removes those folders that are empty, if possible. @param folders outermost first. */
export async function removeEmptyFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) {
    await rmdir(folder).catch((error: unknown) => {
      if (!NOT_REMOVABLE.includes(errorCode(error) ?? "")) throw error;
    });
  }
}
