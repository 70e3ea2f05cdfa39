import { existsSync, lstatSync } from "node:fs";
import { utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runProgram } from "../../system/program.ts";
import { CLOCK_GRAIN_MS } from "./changes.ts";
import { stampOf } from "./snapshot.ts";

/** A tree that slots and builders of a machine share. */
export interface SharedTree {
  /** The folder of this tree only, in which the checkout lies. */
  folder: string;
  /** Tells it from a tree that is made later at the same place. */
  made: string;
}

/** A file in the folder of each tree whose time tells when the tree was last asked for. */
export const MARK = "used";
/** A file whose modification time tells when the tree was complete. */
const MADE = "made";

/**
 * Notes that a tree is complete: whatever changes from now on is somebody's doing. The time is one between that of the
 * last file and now, because file systems stamp files with a clock that stands still for some milliseconds.
 */
export async function noteComplete(folder: string): Promise<void> {
  const file = path.join(folder, MADE);
  await writeFile(path.join(folder, MARK), "");
  await delay(CLOCK_GRAIN_MS);
  await writeFile(file, "");
  const now = writtenAt(file);
  const between = now - CLOCK_GRAIN_MS / 2;
  await utimes(file, between / 1000, between / 1000);
  const isCoarse = (await changesIn({ folder }, new Set())).length > 0; // whole seconds, say
  if (isCoarse) await utimes(file, now / 1000, now / 1000);
}

/** The tree in a folder; undefined if none is there, or one of an earlier version, of which this is not known. */
export function sharedTreeIn(folder: string): SharedTree | undefined {
  return existsSync(path.join(folder, MADE)) ? { folder, made: madeStamp(folder) } : undefined;
}

/** Whether a tree has been removed, or made anew. */
export function isReplaced({ folder, made }: SharedTree): boolean {
  return madeStamp(folder) !== made;
}

function madeStamp(folder: string): string {
  return stampOf(path.join(folder, MADE));
}

/**
 * Returns what has changed in a tree since it was complete, relative to its folder. All change times are looked at,
 * because a run may have written a file in place, or before another run began that read it (7,400 files of INET: 28 ms).
 * @param products hard links, whose change time changes with other links to the same file, too.
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
  return exitCode === 0 || changed.length > 0 ? changed : ["."]; // somebody has locked or removed a folder
}

function writtenAt(file: string): number {
  return lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
}
