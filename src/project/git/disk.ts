import { lstatSync, type Stats } from "node:fs";
import { readlink } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../../errors.ts";
import type { GitOptions } from "./commands/ask.ts";
import { hashFiles } from "./commands/contents.ts";
import type { IndexEntry, IndexFile } from "./index-entries.ts";
import { makeObject, writeObject } from "./objects.ts";

export const LINK = "120000";
const REGULAR = "100644";
const EXECUTABLE = "100755";

/**
 * The files in a folder as `lstat` reports them, without
 * those that are only reached through a link to a folder.
 */
export class Disk {
  readonly #top: string;
  readonly #folders = new Map<string, boolean>([["", true]]);

  constructor(top: string) {
    this.#top = top;
  }

  /**
   * Returns the properties of a file; undefined if it does not exist.
   * @param file relative to the folder.
   * @throws {UserError} if a folder may not be searched.
   */
  stat(file: string): Stats | undefined {
    const end = file.lastIndexOf("/");
    return this.#isFolder(end === -1 ? "" : file.slice(0, end)) ? this.#lstat(file) : undefined;
  }

  #isFolder(folder: string): boolean {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const found = this.stat(folder)?.isDirectory() === true;
    this.#folders.set(folder, found);
    return found;
  }

  #lstat(file: string): Stats | undefined {
    try {
      return lstatSync(`${this.#top}/${file}`, { throwIfNoEntry: false });
    } catch (error) {
      if (errorCode(error) === "ENOTDIR") return undefined;
      throw cannotRead(path.join(this.#top, file), errorCode(error) ?? (error as Error).message, error);
    }
  }
}

/**
 * Returns git's mode of a file or symbolic link.
 * @throws {UserError} for anything else, which is never opened.
 */
export function modeOf(stats: Stats, file: string): string {
  if (stats.isSymbolicLink()) return LINK;
  if (stats.isFile()) return (stats.mode & 0o100) === 0 ? REGULAR : EXECUTABLE;
  throw new UserError(`${file} is a pipe, a socket or a device, which cannot be sent`, {
    hint: "remove it, or restore the file: git restore -- FILE",
  });
}

/** Resolution of file times, in ms: a second change within this time may leave the times unchanged. */
const TICK_MS = 50;
const COARSE_TICK_MS = 2000;

/**
 * Returns whether a file is unchanged since the index was last compared
 * with it: `lstat` reports the same values, and the file was not changed so
 * shortly before the index was written that a second change would not show.
 * @see git's Documentation/technical/racy-git.txt
 */
export function isSame(stats: Stats, entry: IndexEntry, { writtenMs }: IndexFile): boolean {
  const isCoarse = entry.mtimeMs % 1000 === 0 || writtenMs % 1000 === 0;
  return (
    stats.mtimeMs === entry.mtimeMs &&
    stats.ctimeMs === entry.ctimeMs &&
    stats.size >>> 0 === entry.size &&
    stats.ino >>> 0 === entry.inode &&
    entry.mtimeMs + (isCoarse ? COARSE_TICK_MS : TICK_MS) < writtenMs
  );
}

/** Returns the hashes of files, as `hashFiles` does, with an error that names a file that cannot be read. */
export async function hashFilesOnDisk(
  files: readonly string[],
  store: boolean,
  options: GitOptions,
): Promise<string[]> {
  const explain = (reason: string): Error => {
    const [, file, why] = /could not open '(.+)' for reading: (.+)/s.exec(reason) ?? [];
    return file === undefined ? new UserError(`git hash-object: ${reason}`) : cannotRead(file, why!);
  };
  return await hashFiles(files, store, { ...options, explain });
}

/** Stores the target of a symbolic link as an object, and returns its hash. */
export async function hashLink(file: string, objects: string, like: string): Promise<string> {
  const object = makeObject("blob", await readlink(file, { encoding: "buffer" }), like);
  await writeObject(objects, object);
  return object.hash;
}

function cannotRead(file: string, reason: string, cause?: unknown): UserError {
  return new UserError(`cannot read ${file}: ${reason}`, {
    hint: "make the file readable, or add it to .gitignore",
    cause,
  });
}
