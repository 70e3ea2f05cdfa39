import { chmodSync, lstatSync, readdirSync, type Dirent } from "node:fs";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import type { ResultFile } from "../../model/result.ts";

/** The entries below a directory. */
export interface Snapshot {
  /** Relative path to a stamp that changes with the content or the mode. */
  files: Map<string, string>;
  /** Relative path to the names in it; the top itself is the empty path. */
  directories: Map<string, string[]>;
  /** Directories that their owner could not use until this snapshot was taken, with the mode that they had. */
  opened: Map<string, number>;
}

export interface Difference {
  /** New files and files with another content or mode. */
  written: ResultFile[];
  /** Of the files that were there before: gone or changed. */
  damaged: string[];
  /** New directories, deepest first. */
  directories: string[];
  /** Directories that are gone, parents first. */
  missing: string[];
  /** Directories that the run has locked, with the mode that it gave them. */
  locked?: ReadonlyMap<string, number>;
}

const ACCESS = 0o700;

/** Lists a tree. Symbolic links are files, wherever they lead. Folders that a run has locked are opened again. */
export function takeSnapshot(root: string): Snapshot {
  const snapshot: Snapshot = { files: new Map(), directories: new Map(), opened: new Map() };
  addDirectory(snapshot, root, "");
  return snapshot;
}

function addDirectory(snapshot: Snapshot, root: string, directory: string): void {
  const { files, directories } = snapshot;
  const entries = openedEntries(snapshot, root, directory);
  if (entries === undefined) return;
  directories.set(
    directory,
    entries.map((entry) => entry.name),
  );
  for (const entry of entries) {
    const name = within(directory, entry.name);
    if (entry.isDirectory()) addDirectory(snapshot, root, name);
    else files.set(name, stampOf(path.join(root, name)));
  }
}

/** The entries of a directory, made accessible for its owner first; undefined if it is gone. */
function openedEntries({ opened }: Snapshot, root: string, directory: string): Dirent[] | undefined {
  const place = path.join(root, directory);
  try {
    const { mode } = lstatSync(place);
    if ((mode & ACCESS) !== ACCESS) {
      chmodSync(place, (mode | ACCESS) & 0o7777);
      opened.set(directory, mode & 0o777);
    }
    return readdirSync(place, { withFileTypes: true });
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return undefined;
    throw error;
  }
}

/**
 * A snapshot that is brought up to date by looking at some paths only.
 * @param changed everything that may have changed: files, and directories whose entries may have.
 */
export function updateSnapshot(before: Snapshot, root: string, changed: readonly string[]): Snapshot {
  const after: Snapshot = {
    files: new Map(before.files),
    directories: new Map(before.directories),
    opened: new Map(),
  };
  for (const name of changed) {
    const place = path.join(root, name);
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats === undefined) continue; // its directory has changed too, and tells
    if (!stats.isDirectory()) {
      if (before.directories.has(name)) removeEntry(after, name); // a file took the place of a directory
      after.files.set(name, stampOf(place));
    } else if (before.directories.has(name)) removeMissing(after, root, name);
    else {
      after.files.delete(name);
      addDirectory(after, root, name);
    }
  }
  return after;
}

function removeMissing(snapshot: Snapshot, root: string, directory: string): void {
  const present = new Set(openedEntries(snapshot, root, directory)?.map((entry) => entry.name));
  const missing = (snapshot.directories.get(directory) ?? []).filter((name) => !present.has(name));
  for (const name of missing) removeEntry(snapshot, within(directory, name));
}

function removeEntry(snapshot: Snapshot, name: string): void {
  const { files, directories } = snapshot;
  for (const entry of directories.get(name) ?? []) removeEntry(snapshot, within(name, entry));
  directories.delete(name);
  files.delete(name);
}

/**
 * Not the change time: it changes when another tree gets or loses a hard link to the same binary. A file that cannot
 * be looked at (its path is too long, its name is not UTF-8) has a stamp without a size.
 */
export function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs, mode } = lstatSync(file);
    return `${ino} ${size} ${mtimeMs} ${mode}`;
  } catch (error) {
    return `unreadable 0 ${errorCode(error) ?? ""}`;
  }
}

export function compareSnapshots(before: Snapshot, after: Snapshot): Difference {
  const written = [...after.files].filter(([file, stamp]) => before.files.get(file) !== stamp);
  const damaged = [...before.files].filter(([file, stamp]) => after.files.get(file) !== stamp);
  const directories = [...after.directories.keys()].filter((directory) => !before.directories.has(directory));
  const missing = [...before.directories.keys()].filter((directory) => !after.directories.has(directory));
  return {
    written: written.map(([file, stamp]) => ({
      path: file,
      sizeBytes: Number(stamp.split(" ")[1]),
      ...(before.files.has(file) && { replaces: true }),
    })),
    damaged: damaged.map(([file]) => file),
    directories: directories.sort().reverse(),
    missing: missing.sort(),
    ...(after.opened.size > 0 && { locked: after.opened }),
  };
}

function within(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
