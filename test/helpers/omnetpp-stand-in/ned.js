import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { OppError } from "./errors.js";

/**
 * Searches the NED folders for networks.
 * @param {string[]} folders @param {string[]} exclusions packages that are left out, including nested ones
 * @param {(text: string) => void} print one `Loading NED files…` line for each
 * @returns {Set<string>} names, plain and qualified
 * @throws {OppError} if a folder is missing
 */
export function loadNedFolders(folders, exclusions, print) {
  /** @type {Set<string>} */
  const networks = new Set();
  for (const folder of folders) {
    print(`Loading NED files from ${folder}: `);
    if (!existsSync(folder))
      throw new OppError(
        `Could not load NED sources from '${folder}': Cannot canonicalize '${folder}': realpath() failed: No such file or directory`,
      );
    const files = nedFiles(folder);
    for (const file of files) {
      const text = readFileSync(file, "utf8").replace(/\/\/.*$/gm, "");
      const nedPackage = /^\s*package\s+([\w.]+)\s*;/m.exec(text)?.[1];
      if (exclusions.some((each) => `${nedPackage ?? ""}.`.startsWith(`${each}.`))) continue;
      for (const [, name = ""] of text.matchAll(/^\s*network\s+(\w+)/gm))
        networks.add(nedPackage === undefined ? name : `${nedPackage}.${name}`);
    }
    print(` ${files.length}\n`);
  }
  return networks;
}

/** @param {string} folder @returns {string[]} */
function nedFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.name.startsWith(".")) return [];
    if (entry.isDirectory()) return nedFiles(name);
    return entry.name.endsWith(".ned") && statSync(name).isFile() ? [name] : [];
  });
}

/**
 * Checks that a library of `-l` could be loaded.
 * @param {string} name with or without path, prefix and suffix
 * @throws {OppError} with the dynamic linker's message
 */
export function loadLibrary(name) {
  const directory = path.dirname(name);
  const base = path.basename(name);
  const file = base.endsWith(".so") ? base : `lib${base}.so`;
  const shown = name.includes("/") ? `${directory}//${file}` : file;
  const places = name.includes("/")
    ? [directory]
    : (process.env["LD_LIBRARY_PATH"] ?? "").split(":").filter(Boolean);
  if (!places.some((place) => existsSync(path.join(place, file))))
    throw new OppError(
      `Cannot load library '${shown}': ${shown}: cannot open shared object file: No such file or directory`,
    );
}
