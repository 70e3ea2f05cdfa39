import { readdir } from "node:fs/promises";
import path from "node:path";
import { isNedFile, packageIn } from "../../omnetpp/ned-files.ts";
import { readTextIfExists } from "../../system/files.ts";

/** The folders of the IDE's usual layout, which it lists in `.nedfolders`. */
const USUAL = ["src", "simulations"];

/**
 * Returns the NED folders of a project that does not list them: its folder, or `src` and `simulations`, if
 * NED files are in these but not directly in its folder. If their packages begin with the names of these
 * folders, it is the project's folder.
 * @see OMNeT++ Simulation Manual, "Directory Structure, Package.ned Files".
 */
export async function defaultNedFolders(root: string): Promise<string[]> {
  if ((await readdir(root)).some(isNedFile)) return ["."];
  const found: string[] = [];
  for (const folder of USUAL) {
    const first = await firstNedFile(path.join(root, folder));
    if (first === undefined) continue;
    const text = (await readTextIfExists(path.join(root, folder, first)).catch(() => undefined)) ?? "";
    const declared = packageIn(text) ?? "";
    if (declared === folder || declared.startsWith(`${folder}.`)) return ["."];
    found.push(folder);
  }
  return found.length > 0 ? found : ["."];
}

/** Returns the NED file in the fewest subfolders, preferably a `package.ned`; relative to the folder. */
async function firstNedFile(folder: string): Promise<string | undefined> {
  const files = (await readdir(folder, { recursive: true }).catch(() => [])).filter(isNedFile);
  const rank = (file: string): string =>
    [
      String(file.split(path.sep).length).padStart(4),
      path.basename(file) === "package.ned" ? 0 : 1,
      file,
    ].join(" ");
  return files.sort((one, other) => (rank(one) < rank(other) ? -1 : 1))[0];
}
