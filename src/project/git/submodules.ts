import path from "node:path";
import { lstatIfExists } from "../../system/files.ts";
import { openCheckout, type TreeEntry } from "./git.ts";
import type { Warning } from "./warnings.ts";
import type { Reading, WorkTreeFiles } from "./reading.ts";

export const GITLINK = "160000";

/**
 * Reads the files of submodules, which become part of the whole tree. A worker then needs neither their
 * repositories nor the permission to read them, and changes in them count like any other change.
 * @see gitsubmodules(7).
 */
export async function readSubmodules(
  reading: Reading,
  folders: readonly string[],
  read: (inner: Reading) => Promise<WorkTreeFiles>,
): Promise<{ entries: TreeEntry[]; warnings: Warning[] }> {
  const entries: TreeEntry[] = [];
  const warnings: Warning[] = [];
  for (const folder of folders) {
    const top = path.join(reading.checkout.top, folder);
    const prefix = `${reading.prefix}${folder}/`;
    const isInitialised = (await lstatIfExists(path.join(top, ".git"))) !== undefined;
    if (!isInitialised && (await lstatIfExists(top))?.isDirectory() !== true) {
      warnings.push(...notInitialised([`${reading.prefix}${folder}`]));
      continue;
    }
    // the files of an uninitialised submodule may have been copied there
    const checkout = isInitialised
      ? await openCheckout(top, reading.checkout.signal)
      : { ...reading.checkout, top, gitDirectory: reading.scratch, objectDirectory: reading.objects };
    const files = await read({ ...reading, checkout, prefix });
    if (!isInitialised && files.entries.length === 0)
      warnings.push(...notInitialised([`${reading.prefix}${folder}`]));
    entries.push(...files.entries.map((file) => ({ ...file, path: `${folder}/${file.path}` })));
    warnings.push(...files.warnings);
  }
  return { entries, warnings };
}

/** Returns warnings instead of an error, because it is unknown whether runs need the submodules. */
function notInitialised(folders: readonly string[]): Warning[] {
  const advice =
    "not initialised, so their files are not sent; if runs need them, fetch them: git submodule update --init --recursive";
  return folders.map((folder) => ({
    file: `the submodule ${folder}`,
    one: `is ${advice.replace("their", "its")} -- ${folder}`,
    many: `submodules are ${advice}`,
  }));
}
