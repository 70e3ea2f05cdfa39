import { realpathSync } from "node:fs";
import path from "node:path";
import type { ProjectDescriptor } from "../../project/describe/descriptor.ts";
import type { Checkout } from "../../project/git/git.ts";
import { targetFile } from "../../omnetpp/targets.ts";
import { isNamelessIndex, isOverwritten } from "../../omnetpp/result-files.ts";
import { isInside } from "../../system/paths.ts";
import { unchangedOutputs } from "../collect/known-outputs.ts";

export interface OutputFilterQuestion {
  checkout: Checkout;
  study: string;
  project: ProjectDescriptor;
  /** Binaries of other projects in the checkout, relative to its top level. */
  binaries: readonly string[];
  /** Result directory of the campaign, absolute. */
  resultDirectory: string;
  /** Configured output files of the campaign's runs, absolute. */
  outputFiles: readonly string[];
  /** Folders with records, including those of other configs, absolute. */
  recordRoots: readonly string[];
}

/** Decides which files of a work tree are not sources; paths are relative to the top level. */
export interface OutputFilter {
  /** For untracked files: whether a file is an output, a binary, or in a result directory. */
  isLeftOut: (file: string) => boolean;
  /** For all files: whether a file is an output. */
  isOutput: (file: string) => boolean;
}

/**
 * Returns a filter for outputs, which are not sources: otherwise, each campaign would change the source of
 * the next one. Outputs are known from the records, and in a result directory by the file names that the
 * simulator uses. Files that the runs overwrite are outputs, too: a local run may have written them.
 */
export async function outputFilter(question: OutputFilterQuestion): Promise<OutputFilter> {
  const { checkout, study, project, binaries, resultDirectory, outputFiles, recordRoots } = question;
  const { top } = checkout;
  const built = project.targets.flatMap((target) => [
    targetFile(target, "release"),
    targetFile(target, "debug"),
  ]);
  const left = new Set([...built, ...binaries]);
  const roots = [...new Set([resultDirectory, ...recordRoots])];
  const known = new Set<string>();
  for (const each of await Promise.all(roots.map(unchangedOutputs))) for (const file of each) known.add(file);
  const results = withoutLinks([resultDirectory]);
  // with `--result-dir=.`, only names and records show which files are results
  const folders = withoutLinks(roots).filter((root) => !isInside(root, study));
  // an index file has the name of its vector file
  const configured = new Set(outputFiles.map(withoutExtension));
  const isOutput = (file: string): boolean => {
    const absolute = path.join(top, file);
    if (known.has(absolute)) return true;
    return (
      isOverwritten(file) &&
      (isNamelessIndex(file) ||
        configured.has(withoutExtension(absolute)) ||
        results.some((root) => isInside(root, absolute)) ||
        folders.some((root) => isInside(root, absolute)))
    );
  };
  return {
    isOutput,
    isLeftOut(file) {
      if (left.has(file) || isOutput(file)) return true;
      const absolute = path.join(top, file);
      return folders.some((root) => isInside(root, absolute));
    },
  };
}

/** Returns the folders with and without symbolic links: git lists a file by its path without links. */
function withoutLinks(folders: readonly string[]): string[] {
  return [...new Set(folders.flatMap((folder) => [folder, realPlace(folder)]))];
}

/** Returns the path without symbolic links of a folder that need not exist. */
function realPlace(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder; // the first campaign creates the folder
  }
}

function withoutExtension(file: string): string {
  return file.slice(0, file.length - path.extname(file).length);
}
