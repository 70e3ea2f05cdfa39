import { lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import type { ResultFile } from "../model/result.ts";

/** What lies below a directory. */
export interface Snapshot {
  /** Relative path to a stamp that changes with the content. */
  files: Map<string, string>;
  /** Relative path to the names in it; the top itself is the empty path. */
  directories: Map<string, string[]>;
}

export interface Difference {
  /** New files and files with another content. */
  written: ResultFile[];
  /** Of the files that were there before: gone or changed. */
  damaged: string[];
  /** New directories, deepest first. */
  directories: string[];
}

/** Lists a tree. Symbolic links are files, wherever they lead. */
export function takeSnapshot(root: string): Snapshot {
  const snapshot: Snapshot = { files: new Map(), directories: new Map() };
  addDirectory(snapshot, root, "");
  return snapshot;
}

function addDirectory({ files, directories }: Snapshot, root: string, directory: string): void {
  const entries = readdirSync(path.join(root, directory), { withFileTypes: true });
  directories.set(
    directory,
    entries.map((entry) => entry.name),
  );
  for (const entry of entries) {
    const name = within(directory, entry.name);
    if (entry.isDirectory()) addDirectory({ files, directories }, root, name);
    else files.set(name, stampOf(path.join(root, name)));
  }
}

/**
 * A snapshot that is brought up to date by looking at some paths alone.
 * @param changed everything that may have changed: files, and directories whose entries may have.
 */
export function updateSnapshot(before: Snapshot, root: string, changed: readonly string[]): Snapshot {
  const after: Snapshot = { files: new Map(before.files), directories: new Map(before.directories) };
  for (const name of changed) {
    const stats = lstatSync(path.join(root, name), { throwIfNoEntry: false });
    if (stats === undefined) continue; // its directory has changed too, and tells
    if (!stats.isDirectory()) after.files.set(name, stampOf(path.join(root, name)));
    else if (before.directories.has(name)) removeMissing(after, root, name);
    else addDirectory(after, root, name);
  }
  return after;
}

function removeMissing(snapshot: Snapshot, root: string, directory: string): void {
  const present = new Set(readdirSync(path.join(root, directory)));
  const missing = (snapshot.directories.get(directory) ?? []).filter((name) => !present.has(name));
  for (const name of missing) removeEntry(snapshot, within(directory, name));
}

function removeEntry({ files, directories }: Snapshot, name: string): void {
  for (const entry of directories.get(name) ?? []) removeEntry({ files, directories }, within(name, entry));
  directories.delete(name);
  files.delete(name);
}

/** Not the change time: it changes when another tree gets or loses a hard link to the same binary. */
export function stampOf(file: string): string {
  const { ino, size, mtimeMs } = lstatSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}

export function compareSnapshots(before: Snapshot, after: Snapshot): Difference {
  const written = [...after.files].filter(([file, stamp]) => before.files.get(file) !== stamp);
  const damaged = [...before.files].filter(([file, stamp]) => after.files.get(file) !== stamp);
  const directories = [...after.directories.keys()].filter((directory) => !before.directories.has(directory));
  return {
    written: written.map(([file, stamp]) => ({ path: file, sizeBytes: Number(stamp.split(" ")[1]) })),
    damaged: damaged.map(([file]) => file),
    directories: directories.sort().reverse(),
  };
}

function within(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
