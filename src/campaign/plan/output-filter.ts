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
  /** Of other projects in the checkout, relative to its top level. */
  binaries: readonly string[];
  /** Of the campaign, absolute. */
  resultDirectory: string;
  /** Configured output files of its runs, absolute. */
  outputFiles: readonly string[];
  /** Folders with records, of other configs too, absolute. */
  recordRoots: readonly string[];
}

/** Which files of a work tree are no sources; all by their paths relative to the top level. */
export interface OutputFilter {
  /** For untracked files: binaries and all that is in a result directory, too. */
  isLeftOut: (file: string) => boolean;
  /** For all files. */
  isOutput: (file: string) => boolean;
}

/**
 * Outputs are not sources: else each campaign would change the source of the next one. Which they are, the records
 * tell, and in a result directory the names of the simulator's files. Neither are files that its runs begin anew, which
 * a local run may have left.
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
  // in `--result-dir=.` only names and records tell what is a result
  const folders = withoutLinks(roots).filter((root) => !isInside(root, study));
  const configured = new Set(outputFiles.map(withoutExtension)); // an index is beside its vectors
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

/** The folders, and where links in their paths lead: git knows a file by the place where it is. */
function withoutLinks(folders: readonly string[]): string[] {
  return [...new Set(folders.flatMap((folder) => [folder, realPlace(folder)]))];
}

/** Of a folder that need not exist. */
function realPlace(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder; // the first campaign makes it
  }
}

function withoutExtension(file: string): string {
  return file.slice(0, file.length - path.extname(file).length);
}
