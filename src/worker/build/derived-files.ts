import { lstatSync } from "node:fs";
import { lutimes, rm } from "node:fs/promises";
import path from "node:path";
import { isGeneratedCode, isInObjectFolder } from "../../omnetpp/generated-code.ts";
import { isBinary } from "./build-products.ts";

/** What a compiler or linker wrote. */
const OBJECTS = /\.(?:o|obj|d|a|so|dylib|gch|pch)$/;
/** Before anything that a build could depend on; not 1970, which make takes for a file that does not exist. */
const LONG_AGO = new Date("1990-01-01T00:00:00Z");

/**
 * Gives the derived files of a fresh checkout (code that OMNeT++ generates, object files, libraries, programs) a time
 * before that of their sources: git writes all files at the same time, so a build would take them for up to date,
 * whatever they were made from. What the build has no rule for stays as it is.
 * Object and dependency files in object folders are removed: the latter may name paths that make cannot parse.
 * @param files all files of the tree, relative to it.
 * @see GNU make manual, "How make Works": a target is remade if it is older than a prerequisite.
 */
export async function ageDerivedFiles(tree: string, files: readonly string[]): Promise<void> {
  const all = new Set(files);
  const isThere = (file: string): boolean => all.has(file);
  for (const file of files) {
    const place = path.join(tree, file);
    if (isInObjectFolder(file) && /\.[do]$/.test(file)) await rm(place);
    else if (
      OBJECTS.test(file) ||
      isInObjectFolder(file) ||
      isGeneratedCode(file, isThere) ||
      isProgram(place)
    )
      await lutimes(place, LONG_AGO, LONG_AGO);
  }
}

function isProgram(place: string): boolean {
  const stats = lstatSync(place);
  return stats.isFile() && (stats.mode & 0o111) !== 0 && isBinary(place);
}
