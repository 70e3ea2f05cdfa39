import { cp, mkdir, readdir, stat } from "node:fs/promises";
import path from "node:path";

/** Files of a directory, each with attributes that change when it is written. @typedef {Map<string, string>} Snapshot */

/** @param {string} directory @returns {Promise<Snapshot>} without the repository's `.git` */
export async function takeSnapshot(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  /** @type {Snapshot} */
  const files = new Map();
  for (const entry of entries) {
    const file = path.relative(directory, path.join(entry.parentPath, entry.name));
    if (entry.isDirectory() || file === ".git" || file.startsWith(`.git${path.sep}`)) continue;
    const stats = await stat(path.join(directory, file)).catch(() => undefined);
    files.set(file, stats ? `${stats.size} ${stats.mtimeMs} ${stats.mode}` : "a link to nothing");
  }
  return files;
}

/**
 * What differs between two snapshots of one directory.
 * @param {Snapshot} before
 * @param {Snapshot} after
 */
export function findChanges(before, after) {
  const written = [...after].filter(([file, state]) => before.get(file) !== state).map(([file]) => file);
  const removed = [...before.keys()].filter((file) => !after.has(file));
  return { written: written.sort(), removed: removed.sort() };
}

/**
 * Copies files with their times to a separate directory, where they can be compared.
 * @param {string} from
 * @param {readonly string[]} files
 * @param {string} to is created.
 * @param {ReadonlyMap<string, string>} names of those that get another name there
 */
export async function collectFiles(from, files, to, names = new Map()) {
  await mkdir(to, { recursive: true });
  for (const file of files) {
    const target = path.join(to, names.get(file) ?? file);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(path.join(from, file), target, { preserveTimestamps: true });
  }
}
