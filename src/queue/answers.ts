import path from "node:path";
import { UserError } from "../errors.ts";
import { isRelativeFile, isStoredBy } from "../model/names.ts";
import { RunResultSchema, type RunResult } from "../model/result.ts";
import { parseOrExplain } from "../system/json.ts";
import { isInside } from "../system/paths.ts";

// What a worker has answered for a run, as the queue has it: others may have written there.

/**
 * The answer for a run.
 * @param job `<campaign>-<run>`.
 * @throws {UserError} where it is malformed, or names what is not the run's own.
 */
export function parseAnswer(job: string, answer: unknown, what = "its worker's answer"): RunResult {
  const result = parseOrExplain(RunResultSchema, answer, what);
  const { stored, files, outputFile } = result;
  const wrong =
    (stored !== undefined && !isStoredBy(job, stored) && "stored") ||
    (!files.every((file) => isRelativeFile(file.path)) && "files") ||
    (outputFile !== undefined && !files.some((file) => file.path === outputFile) && "outputFile");
  if (wrong) throw new UserError(`${what} is malformed at ${wrong}`);
  return result;
}

/** A file of an opened result. @throws {UserError} where it leads out of the directory. */
export function fileIn(directory: string, file: string): string {
  const absolute = path.resolve(directory, file);
  if (!isInside(directory, absolute)) throw new UserError(`${file} is outside the stored result`);
  return absolute;
}
