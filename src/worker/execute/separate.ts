import { readFileSync } from "node:fs";
import path from "node:path";
import type { ResultFile } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { splitBatchOutput } from "../../omnetpp/batch-output.ts";
import { runIdOf } from "../../omnetpp/result-files.ts";

/** The output of one run of a batch. */
export interface Part {
  written: ResultFile[];
  /** What the run would have printed in its own process. */
  output: string;
  elapsedMs: number;
}

/** What several runs of one process left. */
interface Batch {
  runs: readonly Run[];
  /** File with everything that was printed. */
  printed: string;
  written: readonly ResultFile[];
  /** Each run was executed in a copy of the process. */
  forked?: boolean;
}

/**
 * Assigns the files and the printed text of a batch to its runs. Result files contain the id of their run.
 * @returns a part for each run, in their order; undefined if the assignment is not certain: a file is not a
 *   result file or contains no run's id, or the runs have written different kinds of files.
 */
export function separate(
  tree: string,
  { runs, printed, written, forked = false }: Batch,
): Part[] | undefined {
  const outputs = splitBatchOutput(readFileSync(printed, "utf8"), forked);
  if (outputs.map((each) => each.runNumber).join() !== runs.map((run) => run.runNumber).join())
    return undefined;
  const parts = outputs.map(({ text, runId, elapsedMs }) => ({
    runId,
    part: { written: [] as ResultFile[], output: text, elapsedMs },
  }));
  for (const file of written) {
    const writer = runIdOf(path.join(tree, file.path));
    const found = parts.find(({ runId }) => writer !== undefined && runId === writer);
    if (found === undefined) return undefined;
    found.part.written.push(file);
  }
  const kinds = new Set(parts.map(({ part }) => kindsOf(part.written)));
  return kinds.size === 1 && !kinds.has("") ? parts.map(({ part }) => part) : undefined;
}

function kindsOf(files: readonly ResultFile[]): string {
  return files
    .map((file) => path.extname(file.path))
    .sort()
    .join(" ");
}
