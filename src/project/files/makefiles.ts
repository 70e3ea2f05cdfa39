import path from "node:path";
import { readTextIfExists } from "../../system/files.ts";

/**
 * The names of a Makefile, in the order in which make searches for them.
 * @see GNU make manual, "What Name to Give Your Makefile".
 */
export const MAKEFILES = ["GNUmakefile", "makefile", "Makefile"];

/** Returns the Makefile that make would use in a folder; undefined if there is none. */
export async function readMakefile(folder: string): Promise<{ file: string; text: string } | undefined> {
  for (const name of MAKEFILES) {
    const file = path.join(folder, name);
    const text = await readTextIfExists(file);
    if (text !== undefined) return { file, text };
  }
  return undefined;
}

/** Returns whether a file has one of the names of a Makefile. */
export function isMakefile(file: string): boolean {
  return MAKEFILES.includes(path.basename(file));
}
