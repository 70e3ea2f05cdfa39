import { closeSync, lstatSync, openSync, readFileSync, readSync } from "node:fs";
import path from "node:path";
import type { ResultFile } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";

/** The output of one run of a batch. */
export interface Part {
  written: ResultFile[];
  /** What the run would have printed in its own process. */
  output: string;
}

/** Number of bytes to search for the run's id, which is in one of the first lines of a result file. */
const HEAD_BYTES = 1024;
const RUN_LINE = /^run (\S+)$/m;
const ID_LINE = /^Assigned runID=(\S+)$/m;
const BEGINNING = /^Preparing for running configuration .+, run #(\d+)\.\.\.$/gm;
const STATISTICS = /^Run statistics: total .*\n\n?/m;
const END = "End.\n";

/**
 * Assigns the files and the printed text of a batch to its runs. Result files contain the id of their run.
 * @returns a part for each run, in their order; undefined if the assignment is not certain: a file is not a
 *   result file or contains no run's id, or the runs have written different kinds of files.
 * @see OMNeT++ Simulation Manual, "Result File Formats".
 */
export function separate(
  tree: string,
  { runs, printed, written }: { runs: readonly Run[]; printed: string; written: readonly ResultFile[] },
): Part[] | undefined {
  const outputs = splitOutput(readFileSync(printed, "utf8"), runs);
  if (outputs === undefined) return undefined;
  const parts = outputs.map((output): Part & { id: string | undefined } => ({
    written: [],
    output,
    id: ID_LINE.exec(output)?.[1],
  }));
  for (const file of written) {
    const id = writerOf(path.join(tree, file.path));
    const part = parts.find((each) => id !== undefined && each.id === id);
    if (part === undefined) return undefined;
    part.written.push(file);
  }
  const kinds = new Set(parts.map((part) => kindsOf(part.written)));
  return kinds.size === 1 && !kinds.has("") ? parts : undefined;
}

function kindsOf(files: readonly ResultFile[]): string {
  return files
    .map((file) => path.extname(file.path))
    .sort()
    .join(" ");
}

/** Returns the id of the run that wrote a result file; undefined for other files. */
function writerOf(file: string): string | undefined {
  if (!/\.(?:sca|vec|vci)$/.test(file) || !lstatSync(file).isFile()) return undefined;
  const head = Buffer.alloc(HEAD_BYTES);
  const opened = openSync(file, "r");
  try {
    return RUN_LINE.exec(head.toString("utf8", 0, readSync(opened, head)))?.[1];
  } finally {
    closeSync(opened);
  }
}

/** Returns the output of each run, with the process's first lines before it and its last lines after it. */
function splitOutput(text: string, runs: readonly Run[]): string[] | undefined {
  const beginnings = [...text.matchAll(BEGINNING)];
  const numbers = beginnings.map(([, number]) => Number(number));
  if (numbers.join() !== runs.map((run) => run.runNumber).join()) return undefined;
  const preface = text.slice(0, beginnings[0]!.index);
  return beginnings.map(({ index }, at) => {
    const part = text.slice(index, beginnings[at + 1]?.index).replace(STATISTICS, "");
    return preface + (at === runs.length - 1 ? part : part + END);
  });
}
