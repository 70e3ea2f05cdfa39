import path from "node:path";
import { UserError } from "../errors.ts";
import { isRelativeFile, isStoredBy } from "../model/names.ts";
import { RunResultSchema, type RunResult } from "../model/result.ts";
import { parseOrExplain } from "../system/json.ts";
import { isInside } from "../system/paths.ts";

// A worker's result of a run is read from the queue, where other programs may have written: it is checked here.

/**
 * Parses the result that a worker has returned for a run.
 * @param job ID of the run's job, `<campaign>-<run>`.
 * @throws {UserError} if it is malformed, or refers to anything that does not belong to the run.
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

/** Returns the absolute path of a file in a result's directory. @throws {UserError} if the file is outside of it. */
export function fileIn(directory: string, file: string): string {
  const absolute = path.resolve(directory, file);
  if (!isInside(directory, absolute)) throw new UserError(`${file} is outside the stored result`);
  return absolute;
}
