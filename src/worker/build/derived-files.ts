import { lstatSync } from "node:fs";
import { lutimes, rm } from "node:fs/promises";
import path from "node:path";
import { isGeneratedCode, isInObjectFolder } from "../../omnetpp/generated-code.ts";
import { isBinary } from "./build-products.ts";

/** Names of files that a compiler or linker writes. */
const OBJECTS = /\.(?:o|obj|d|a|so|dylib|gch|pch)$/;
/** Earlier than any source file; not 1970, because make treats a file with time 0 as missing. */
const LONG_AGO = new Date("1990-01-01T00:00:00Z");

/**
 * Sets the times of derived files in a fresh checkout (code that OMNeT++ generates, object files, libraries,
 * programs) to a date before that of their sources. Git writes all files at the same time, so a build would
 * otherwise consider them up to date even if their sources have changed. Files that no build rule creates
 * keep their content. Removes object and dependency files in object folders, because dependency files may
 * contain paths that make cannot parse.
 * @param files all files of the tree, relative to it.
 * @see GNU make manual, "How make Works": a target is remade if it is older than a prerequisite.
 */
export async function ageDerivedFiles(tree: string, files: readonly string[]): Promise<void> {
  const all = new Set(files);
  const exists = (file: string): boolean => all.has(file);
  for (const file of files) {
    const place = path.join(tree, file);
    if (isInObjectFolder(file) && /\.[do]$/.test(file)) await rm(place);
    else if (
      OBJECTS.test(file) ||
      isInObjectFolder(file) ||
      isGeneratedCode(file, exists) ||
      isProgram(place)
    )
      await lutimes(place, LONG_AGO, LONG_AGO);
  }
}

function isProgram(place: string): boolean {
  const stats = lstatSync(place);
  return stats.isFile() && (stats.mode & 0o111) !== 0 && isBinary(place);
}
