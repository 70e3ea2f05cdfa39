import type { RunValues } from "../model/result-item.ts";
import { ItemCollector, type NamedRun } from "./run-values.ts";
import { readScalarFile } from "./scalar-file.ts";

/** Maximum number of scalar files of a run to read. A simulation writes one; a model may write others. */
const MOST_FILES = 10;

/**
 * Returns the numbers that a run has recorded in its scalar files.
 * @param files absolute paths; files that do not exist, or do not contain the run, count as empty.
 * @throws {UserError} if a SQLite file is damaged or too large.
 */
export async function readRecordedValues(files: readonly string[], run: NamedRun): Promise<RunValues> {
  const all: RunValues[] = [];
  for (const file of files.slice(0, MOST_FILES)) {
    const found = await readScalarFile(file, run);
    if (found !== undefined) all.push(found);
  }
  const [first, ...others] = all;
  if (first !== undefined && others.length === 0 && files.length <= MOST_FILES) return first;
  const together = new ItemCollector();
  for (const { items, values, omitted } of all) {
    items.forEach(({ kind, module, name, unit }, index) => {
      const item = together.add(kind, module, name, values[index]!);
      if (item !== undefined) item.unit = unit;
    });
    together.omit(omitted);
  }
  together.omit(Math.max(0, files.length - MOST_FILES));
  return together.result();
}
