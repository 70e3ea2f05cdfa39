import { readdir } from "node:fs/promises";
import path from "node:path";
import { readTextIfExists } from "../../system/files.ts";
import { isCode } from "../files/code-files.ts";
import { readMakefile } from "../files/makefiles.ts";
import { isNedFile } from "../../omnetpp/ned-files.ts";
import type { MakemakeFolder } from "../../omnetpp/makemake.ts";
import { withoutVersion, type Need } from "./needs.ts";

/** Number of files to search: a larger project uses what it refers to in one of these. */
const MOST_FILES = 5000;

/**
 * Returns whether a project seems to use another one to which the IDE refers: its build names it, a NED file
 * imports its packages, or C++ code includes its headers.
 * @param makemake with folders and options.
 */
export async function usesProject(
  root: string,
  makemake: readonly MakemakeFolder[],
  { name, variable }: Pick<Need, "name" | "variable">,
): Promise<boolean> {
  const escaped = withoutVersion(name).replaceAll(/[^\p{L}\p{N}_]/gu, "\\$&");
  const inBuild = new RegExp(`(?:^|/|-l)${escaped}(?:[-_.v\\d]*)(?:$|[/\\s$])|\\b${variable}\\b`, "im");
  const makefile = (await readMakefile(root))?.text ?? "";
  const options = makemake.flatMap((each) => each.options).map((option) => option.replace(/^-[IL]/, ""));
  if ([makefile, ...options].some((text) => inBuild.test(text))) return true;
  const inFile = new RegExp(`^\\s*(?:import\\s+|#\\s*include\\s*[<"])${escaped}[./]`, "im");
  const files = await readdir(root, { recursive: true }).catch(() => []);
  const searched = files.filter((file) => isNedFile(file) || isCode(file)).slice(0, MOST_FILES);
  for (const file of searched) {
    const text = await readTextIfExists(path.join(root, file)).catch(() => undefined);
    if (text !== undefined && inFile.test(text)) return true;
  }
  return false;
}
