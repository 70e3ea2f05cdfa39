import { chmodSync, lstatSync, readdirSync, type Dirent } from "node:fs";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import type { ResultFile } from "../../model/result.ts";

/** The entries below a directory. */
export interface Snapshot {
  /** A stamp that changes with the content or the mode, by relative path. */
  files: Map<string, string>;
  /** The names of the entries, by relative path; that of the root is empty. */
  directories: Map<string, string[]>;
  /** The former mode of directories that were not accessible to their owner, by relative path. */
  opened: Map<string, number>;
}

export interface Difference {
  /** New files and files with changed content or mode. */
  written: ResultFile[];
  /** Existing files that were removed or changed. */
  damaged: string[];
  /** New directories, deepest first. */
  directories: string[];
  /** Removed directories, parents first. */
  missing: string[];
  /** Directories that the run made inaccessible, with the mode that it gave them. */
  locked?: ReadonlyMap<string, number>;
}

const ACCESS = 0o700;

/**
 * Returns a snapshot of a tree. Symbolic links count as files, whatever their targets. Makes directories
 * accessible that a run has made inaccessible.
 */
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

/** Returns the entries of a directory after making it accessible to its owner; undefined if it does not exist. */
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
 * Returns a snapshot in which only some paths are updated.
 * @param changed all files that may have changed, and all directories whose entries may have.
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
    if (stats === undefined) continue; // its directory is in the list, too, and removes the entry
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
 * Returns a stamp that changes with a file's content or mode. It does not contain the change time, which also
 * changes when a hard link to the same binary is created or removed. The stamp of a file that cannot be
 * examined (its path is too long, its name is not UTF-8) has size 0.
 */
export function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs, mode } = lstatSync(file);
    return `${ino} ${size} ${mtimeMs} ${mode}`;
  } catch (error) {
    return `unreadable 0 ${errorCode(error) ?? ""}`;
  }
}

/** Returns the differences between two snapshots of a tree. */
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
