import path from "node:path";
import type { ResultFile } from "../../model/result.ts";
import { runIdOf } from "../../omnetpp/result-files.ts";

/**
 * Assigns the files that a batch has written to its runs. Result files contain the id of their run.
 * @param runIds IDs of the runs in their order; undefined if one was not printed.
 * @returns the files of each run; undefined if the assignment is not certain: a file is not a result file or contains no
 *   run's id, or the runs have written different kinds of files.
 */
export function separate(
  tree: string,
  runIds: readonly (string | undefined)[],
  written: readonly ResultFile[],
): ResultFile[][] | undefined {
  const files: ResultFile[][] = runIds.map(() => []);
  for (const file of written) {
    const writer = runIdOf(path.join(tree, file.path));
    const at = writer === undefined ? -1 : runIds.indexOf(writer);
    if (at < 0) return undefined;
    files[at]!.push(file);
  }
  const kinds = new Set(files.map(kindsOf));
  return kinds.size === 1 && !kinds.has("") ? files : undefined;
}

function kindsOf(files: readonly ResultFile[]): string {
  return files
    .map((file) => path.extname(file.path))
    .sort()
    .join(" ");
}
