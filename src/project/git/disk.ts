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

/** The files below a folder as `lstat` shows them, without those that only a link to another folder shows. */
export class Disk {
  readonly #top: string;
  readonly #folders = new Map<string, boolean>([["", true]]);

  constructor(top: string) {
    this.#top = top;
  }

  /** @throws {UserError} where a folder may not be searched. */
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

/** @throws {UserError} for what is neither a file nor a link: it is never opened. */
export function modeOf(stats: Stats, file: string): string {
  if (stats.isSymbolicLink()) return LINK;
  if (stats.isFile()) return (stats.mode & 0o100) === 0 ? REGULAR : EXECUTABLE;
  throw new UserError(`${file} is a pipe, a socket or a device, which cannot be sent`, {
    hint: "remove it, or restore the file: git restore -- FILE",
  });
}

/** From the change of a file to the clock's next tick, after which another change has another time. */
const TICK_MS = 50;
const COARSE_TICK_MS = 2000;

/**
 * Whether a file is the one that the index was last compared with: what `lstat` says of it is the same, and it was
 * not changed just before the index was written, when a second change would not show.
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

/** `hashFiles`, with an error that names the file that cannot be read. */
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

/** Stores what a symbolic link says. @returns the hash. */
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
