import path from "node:path";
import { findProgram, runProgram } from "../../system/program.ts";

/** The folders of a work tree, on the disk. */
export interface FolderSurvey {
  /** Relative to the top level, those of git and of our records left out. */
  folders: string[];
  /** Folders in which records of runs are. */
  recordRoots: string[];
}

/**
 * Lists the folders of a work tree, also empty and ignored ones. `find` needs about 15 ms for 1,500 folders with 7,400
 * files, in a process beside this one.
 */
export async function surveyFolders(top: string, signal?: AbortSignal): Promise<FolderSurvey> {
  const expression = ["-name", ".git", "-prune", "-o", "-name", ".swarm", "-prune", "-print0", "-o"];
  const find = await findProgram(["find"]);
  if (find === undefined) return { folders: [], recordRoots: [] }; // what a run misses then, it reports itself
  const { stdout } = await runProgram(find, [".", ...expression, "-type", "d", "-print0"], {
    cwd: top,
    signal,
  });
  const all = stdout
    .split("\0")
    .flatMap((name) => (name === "" || name === "." ? [] : [name.slice("./".length)]));
  const isRecords = (folder: string): boolean => path.posix.basename(folder) === ".swarm";
  return {
    folders: all.filter((folder) => !isRecords(folder)),
    recordRoots: all.filter(isRecords).map((folder) => path.posix.dirname(folder)),
  };
}

/** A campaign names no more folders than this: they travel with it. */
const MOST_FOLDERS = 5000;
/** Folders with many others in them, which no simulation writes into. */
const LEFT_OUT = /(?:^|\/)(?:node_modules|out)\//;

/**
 * Those folders that a tree of these files does not have anyway: a run finds them as it would on the user's disk.
 * Of nested ones the innermost, because the others come with it.
 */
export function foldersBeside({ folders }: FolderSurvey, files: readonly string[]): string[] {
  const known = new Set<string>();
  for (const file of files)
    for (
      let folder = path.posix.dirname(file);
      folder !== "." && !known.has(folder);
      folder = path.posix.dirname(folder)
    )
      known.add(folder);
  const missing = folders.filter(
    (folder) => !known.has(folder) && !LEFT_OUT.test(folder) && !folder.includes("\ufffd"),
  );
  const outer = new Set(missing.map((folder) => path.posix.dirname(folder)));
  return missing.filter((folder) => !outer.has(folder)).slice(0, MOST_FOLDERS);
}
