import { lstatSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import { temporaryName } from "../../system/files.ts";

/** Whether a file system takes names for the same that differ only in case, as those of macOS and Windows usually do. */
export type FoldsCase = (folder: string) => boolean;

/** Whoever may not write to a folder cannot place a file in it either, and is told so then. */
const NOT_WRITABLE = ["EACCES", "EPERM", "EROFS"];

/** Asks the file system of a folder, or of the nearest one that exists, by means of a temporary file. */
export const foldsCase: FoldsCase = (folder) => {
  let there = folder;
  while (statSync(there, { throwIfNoEntry: false })?.isDirectory() !== true) there = path.dirname(there);
  const probe = temporaryName(path.join(there, "case"));
  try {
    writeFileSync(probe, "", { flag: "wx" });
    return lstatSync(inOtherCase(probe), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (!NOT_WRITABLE.includes(errorCode(error) ?? "")) throw error;
    return false;
  } finally {
    rmSync(probe, { force: true });
  }
};

/**
 * Returns those of some paths that differ from an earlier one only in case, each with that one, where the file system
 * does not tell them apart.
 */
export function sameButForCase(paths: readonly string[], folds: FoldsCase): Map<string, string> {
  const first = new Map<string, string>();
  const same = new Map<string, string>();
  for (const each of paths) {
    const folded = each.normalize("NFC").toLowerCase();
    const other = first.get(folded);
    if (other === undefined) first.set(folded, each);
    else if (other !== each && folds(path.dirname(each))) same.set(each, other);
  }
  return same;
}

/** The name of an existing file as its folder lists it, if that differs from the given one in case. */
export function otherNameOf(file: string): string | undefined {
  const own = lstatSync(file, { throwIfNoEntry: false });
  const other = lstatSync(inOtherCase(file), { throwIfNoEntry: false });
  if (own === undefined || own.ino !== other?.ino) return undefined; // nearly always
  const name = path.basename(file);
  const names = readdirSync(path.dirname(file));
  const folded = name.toLowerCase();
  return names.includes(name) ? undefined : names.find((each) => each.toLowerCase() === folded);
}

function inOtherCase(file: string): string {
  const { dir, base } = path.parse(file);
  return path.join(dir, base === base.toUpperCase() ? base.toLowerCase() : base.toUpperCase());
}
