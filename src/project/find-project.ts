import { readdir } from "node:fs/promises";
import path from "node:path";
import { contentOf } from "../system/files.ts";
import { isInside } from "../system/paths.ts";
import { isCode } from "./code-files.ts";
import { makemakeCommand } from "./makemake.ts";

/** Files that only the root of a project has. */
const PROJECT_FILES = new Set(["swarm.json", ".oppbuildspec", ".nedfolders", ".oppfeatures"]);

/**
 * The root of the project that a study belongs to, within the checkout: the nearest folder from the study
 * upwards that says so, be it by a Makefile of `opp_makemake`. Where none does, the nearest one with a Makefile
 * that somebody wrote (it may be for something else, such as plots), then the nearest one with C++ code, then
 * the git top level.
 */
export async function findProject(top: string, study: string): Promise<string> {
  let withMakefile: string | undefined;
  let withCode: string | undefined;
  for (let folder = study; isInside(top, folder); folder = path.dirname(folder)) {
    const signs = await signsOf(folder);
    if (signs.describes) return folder;
    if (signs.makefile) withMakefile ??= folder;
    if (signs.code) withCode ??= folder;
  }
  return withMakefile ?? withCode ?? top;
}

/** Whether a folder can be a project that another one needs: the IDE's `.project` is enough for that. */
export async function isProject(folder: string): Promise<boolean> {
  const { describes, makefile, known } = await signsOf(folder);
  return describes || makefile || known;
}

/** Whether C++ code lies in a folder, or in its `src`. */
export async function hasCode(folder: string): Promise<boolean> {
  return (await signsOf(folder)).code;
}

interface Signs {
  describes: boolean;
  makefile: boolean;
  /** To the IDE. */
  known: boolean;
  code: boolean;
}

async function signsOf(folder: string): Promise<Signs> {
  const names: string[] = await readdir(folder).catch(() => []);
  const sources: string[] = names.includes("src")
    ? await readdir(path.join(folder, "src")).catch(() => [])
    : [];
  const makefile = names.includes("Makefile");
  const describes = names.some((name) => PROJECT_FILES.has(name) || name.endsWith(".opp"));
  return {
    describes: describes || (makefile && (await isMadeByMakemake(folder))),
    makefile,
    known: names.includes(".project"),
    code: [...names, ...sources].some(isCode),
  };
}

async function isMadeByMakemake(folder: string): Promise<boolean> {
  return makemakeCommand((await contentOf(path.join(folder, "Makefile"))) ?? "") !== undefined;
}
