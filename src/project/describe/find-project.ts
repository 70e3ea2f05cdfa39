import { readdir } from "node:fs/promises";
import path from "node:path";
import { readTextIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { isCode } from "../files/code-files.ts";
import { IDE_FILE, isOmnetppProject } from "./ide-file.ts";
import { MAKEFILES } from "../files/makefiles.ts";

/** Files that only the root of a project has. */
const PROJECT_FILES = ["swarm.json", ".oppbuildspec", ".oppfeatures", ".nedfolders"];

/** Number of levels below a folder that are searched for its code. */
const CODE_DEPTH = 5;

/**
 * The reasons for a folder to be the root of a project, the strongest first. A weaker reason counts only if
 * no folder from the study up to the git top level has a stronger one: the Makefile in an example folder may
 * be a leftover, or be for plots.
 */
const REASONS: {
  applies: (signs: Signs, folder: string) => boolean | Promise<boolean>;
  text: (signs: Signs) => string;
}[] = [
  {
    applies: (signs) => signs.describes,
    text: ({ files }) => `it has ${files.length > 0 ? files.join(", ") : IDE_FILE}`,
  },
  { applies: (signs) => signs.makefile && signs.code, text: () => "it has a Makefile and code" },
  { applies: (signs) => signs.known, text: () => `it has ${IDE_FILE}` },
  {
    applies: async (signs, folder) => signs.makefile && (await hasCodeBelow(folder, CODE_DEPTH)),
    text: () => "it has a Makefile, and code in folders below",
  },
  { applies: (signs) => signs.code, text: () => "it is the nearest folder with code" },
];

/** The project of a study, if it is one of the folders from the study up to the git top level. */
export interface FoundAbove {
  root: string | undefined;
  /** Why it is the project, as half a sentence. */
  reason?: string;
  /**
   * The nearest folder with a Makefile that compiles no code
   * of its own; it may build a project in a folder below.
   */
  withMakefile: string | undefined;
}

/**
 * Returns the root of the project that a study belongs to: of the folders
 * from the study up to the git top level, the one with the strongest reason
 * (see `docs/architecture.md`), and of several equal ones, the nearest.
 */
export async function findProjectAbove(top: string, study: string): Promise<FoundAbove> {
  const folders: { folder: string; signs: Signs }[] = [];
  for (let folder = study; isInside(top, folder); folder = path.dirname(folder))
    folders.push({ folder, signs: await signsOf(folder) });
  const withMakefile = folders.find(({ signs }) => signs.makefile)?.folder;
  for (const { applies, text } of REASONS)
    for (const { folder, signs } of folders)
      if (await applies(signs, folder)) return { root: folder, reason: text(signs), withMakefile };
  return { root: undefined, withMakefile };
}

/** Number of levels below the git top level, and of folders, that are searched for projects. */
const PROJECT_DEPTH = 6;
const MOST_FOLDERS = 20_000;

/**
 * Returns the projects of a checkout that have a file which describes a project. Projects inside another
 * project and clones of other repositories are left out. Submodules, whose `.git` is a file, are included.
 */
export async function findProjectsBelow(top: string): Promise<string[]> {
  const found: string[] = [];
  const waiting = [{ folder: top, depth: 0 }];
  for (let looked = 0; looked < MOST_FOLDERS; looked++) {
    const next = waiting.shift();
    if (next === undefined) break;
    const { folder, depth } = next;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const isClone = entries.some((entry) => entry.name === ".git" && entry.isDirectory());
    if (depth > 0 && isClone) continue;
    if (depth > 0 && (await describesProject(folder))) {
      found.push(folder);
      continue;
    }
    if (depth === PROJECT_DEPTH) continue;
    for (const entry of entries)
      if (entry.isDirectory() && !WITHOUT_CODE.test(entry.name))
        waiting.push({ folder: path.join(folder, entry.name), depth: depth + 1 });
  }
  return found.sort();
}

/** Returns whether a folder has a file which describes a project, not only some Makefile or code. */
async function describesProject(folder: string): Promise<boolean> {
  const signs = await signsOf(folder);
  return signs.describes || signs.known;
}

/** Returns whether a folder can be a project that another one needs. */
export async function isProject(folder: string): Promise<boolean> {
  const { describes, makefile, known } = await signsOf(folder);
  return describes || makefile || known;
}

/** Returns whether there is C++ code in a folder or in its `src`. */
export async function hasCode(folder: string): Promise<boolean> {
  return (await signsOf(folder)).code;
}

interface Signs {
  /**
   * There is a file of OMNeT++ or inet-swarm that describes
   * a project, or the IDE's file next to code or a Makefile.
   */
  describes: boolean;
  /** The files that describe a project, except the IDE's. */
  files: string[];
  /** There is a Makefile, possibly in `src`, where `opp_makemake` writes it in the IDE's usual layout. */
  makefile: boolean;
  /** It is a project of OMNeT++'s IDE. */
  known: boolean;
  code: boolean;
}

async function signsOf(folder: string): Promise<Signs> {
  const names: string[] = await readdir(folder).catch(() => []);
  const sources: string[] = names.includes("src")
    ? await readdir(path.join(folder, "src")).catch(() => [])
    : [];
  const all = [...names, ...sources];
  const makefile = all.some((name) => MAKEFILES.includes(name));
  const code = all.some(isCode);
  const known = names.includes(IDE_FILE) && isOmnetppProject(await ideFile(folder));
  const files = [
    ...PROJECT_FILES.filter((name) => names.includes(name)),
    ...names.filter((name) => name.endsWith(".opp")).sort(),
  ];
  return { describes: files.length > 0 || (known && (code || makefile)), files, makefile, known, code };
}

async function ideFile(folder: string): Promise<string> {
  return (await readTextIfExists(path.join(folder, IDE_FILE)).catch(() => "")) ?? "";
}

/** Folders that contain nothing that a project's Makefile compiles. */
const WITHOUT_CODE = /^(?:\..*|node_modules|results|out)$/;

/**
 * Returns whether a folder has code, possibly in folders below; code of other projects in it does not count.
 */
async function hasCodeBelow(folder: string, depth: number): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => entry.isFile() && isCode(entry.name))) return true;
  if (depth === 0) return false;
  for (const entry of entries)
    if (entry.isDirectory() && !WITHOUT_CODE.test(entry.name)) {
      const inner = path.join(folder, entry.name);
      if (!(await describesProject(inner)) && (await hasCodeBelow(inner, depth - 1))) return true;
    }
  return false;
}
