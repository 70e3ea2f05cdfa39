import { lstatSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import { temporaryName } from "../../system/files.ts";

/**
 * Returns whether the file system of a folder ignores the
 * case of names, as those of macOS and Windows usually do.
 */
export type FoldsCase = (folder: string) => boolean;

/** Errors in folders that cannot be written: storing files there fails, too, and is reported then. */
const NOT_WRITABLE = ["EACCES", "EPERM", "EROFS"];

/** Tests the file system of a folder, or of its nearest existing parent, by creating a temporary file. */
export const foldsCase: FoldsCase = (folder) => {
  let existing = folder;
  while (statSync(existing, { throwIfNoEntry: false })?.isDirectory() !== true)
    existing = path.dirname(existing);
  const probe = temporaryName(path.join(existing, "case"));
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
 * Returns the paths that differ from an earlier one only in case, each with that earlier path, if the file
 * system ignores the case.
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

/** Returns the name of an existing file as its folder lists it, if it differs in case from the given name. */
export function otherNameOf(file: string): string | undefined {
  const own = lstatSync(file, { throwIfNoEntry: false });
  const other = lstatSync(inOtherCase(file), { throwIfNoEntry: false });
  if (own === undefined || own.ino !== other?.ino) return undefined; // the usual case
  const name = path.basename(file);
  const names = readdirSync(path.dirname(file));
  const folded = name.toLowerCase();
  return names.includes(name) ? undefined : names.find((each) => each.toLowerCase() === folded);
}

function inOtherCase(file: string): string {
  const { dir, base } = path.parse(file);
  return path.join(dir, base === base.toUpperCase() ? base.toLowerCase() : base.toUpperCase());
}
