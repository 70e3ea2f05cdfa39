import { readdir } from "node:fs/promises";
import path from "node:path";
import { contentOf } from "../system/files.ts";

/** As OMNeT++'s IDE lays out a project, and notes in `.nedfolders`. */
const USUAL = ["src", "simulations"];

/**
 * Returns the NED folders of a project that does not name them: its folder, or `src` and `simulations` if NED files are there
 * and none is beside them, unless their packages begin with the names of these folders.
 * @see OMNeT++ Simulation Manual, "Directory Structure, Package.ned Files".
 */
export async function usualNedFolders(root: string): Promise<string[]> {
  if ((await nedFiles(root)).length > 0) return ["."];
  const found: string[] = [];
  for (const folder of USUAL) {
    const [first] = await nedFiles(path.join(root, folder));
    if (first === undefined) continue;
    const text = (await contentOf(path.join(root, folder, first)).catch(() => undefined)) ?? "";
    const declared = /^\s*package\s+([\w.]+)\s*;/m.exec(text)?.[1] ?? "";
    if (declared === folder || declared.startsWith(`${folder}.`)) return ["."];
    found.push(folder);
  }
  return found.length > 0 ? found : ["."];
}

/** Names of the NED files in a folder, the one that tells its package first. */
async function nedFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith(".ned")).sort();
  return files.includes("package.ned")
    ? ["package.ned", ...files.filter((name) => name !== "package.ned")]
    : files;
}
