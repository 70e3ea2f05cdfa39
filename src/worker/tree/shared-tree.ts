import { existsSync, lstatSync } from "node:fs";
import { utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runProgram } from "../../system/program.ts";
import { CLOCK_GRAIN_MS } from "../../system/file-stamp.ts";
import { stampOf } from "./snapshot.ts";

/** A tree that slots and builders of a machine share. */
export interface SharedTree {
  /** The folder that contains only this tree's checkout and its marks. */
  folder: string;
  /** A stamp that distinguishes the tree from one that is created later at the same path. */
  made: string;
}

/** A file in the folder of each tree; its modification time records when the tree was last used. */
export const MARK = "used";
/** A file whose modification time records when the tree was complete. */
const MADE = "made";

/**
 * Records that a tree is complete: any later change is the fault of a run. The recorded time is between that
 * of the last file and now, because the clock of a file system advances only every few milliseconds.
 */
export async function noteComplete(folder: string): Promise<void> {
  const file = path.join(folder, MADE);
  await writeFile(path.join(folder, MARK), "");
  await delay(CLOCK_GRAIN_MS);
  await writeFile(file, "");
  const now = writtenAt(file);
  const between = now - CLOCK_GRAIN_MS / 2;
  await utimes(file, between / 1000, between / 1000);
  const isCoarse = (await changesIn({ folder }, new Set())).length > 0; // for example, times in whole seconds
  if (isCoarse) await utimes(file, now / 1000, now / 1000);
}

/**
 * Returns the tree in a folder; undefined if there is none, or one of an earlier version without the time of
 * completion.
 */
export function sharedTreeIn(folder: string): SharedTree | undefined {
  return existsSync(path.join(folder, MADE)) ? { folder, made: madeStamp(folder) } : undefined;
}

/** Returns whether a tree was removed or created again. */
export function isReplaced({ folder, made }: SharedTree): boolean {
  return madeStamp(folder) !== made;
}

function madeStamp(folder: string): string {
  return stampOf(path.join(folder, MADE));
}

/**
 * Returns what has changed in a tree since it was complete, relative to its folder. Checks the change times
 * of all files (7,400 files of INET: 28 ms), because a run may have written a file in place before another
 * run that read it started.
 * @param products hard links, whose change time also changes when another link to the same file is created or
 *   removed.
 */
export async function changesIn(
  { folder }: Pick<SharedTree, "folder">,
  products: ReadonlySet<string>,
): Promise<string[]> {
  const made = path.join(folder, MADE);
  const { exitCode, stdout } = await runProgram("find", [folder, "-cnewer", made, "-print0"]);
  const found = stdout.split("\0").filter((file) => file.startsWith(`${folder}/`));
  const names = found.map((file) => file.slice(folder.length + 1));
  const madeAt = writtenAt(made);
  const isOurs = (name: string): boolean =>
    name === MARK || name === MADE || (products.has(name) && writtenAt(path.join(folder, name)) <= madeAt);
  const changed = names.filter((name) => !isOurs(name));
  return exitCode === 0 || changed.length > 0 ? changed : ["."]; // a folder was removed or made inaccessible
}

function writtenAt(file: string): number {
  return lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
}
