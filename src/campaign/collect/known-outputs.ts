import { createReadStream, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import * as v from "valibot";
import { errorCode } from "../../errors.ts";
import { hashOf } from "../../system/content-hash.ts";

/** A file that a run has written outside its result directory. */
const OutputSchema = v.object({
  /** Relative to the folder of the records. */
  path: v.string(),
  sizeBytes: v.number(),
  sha256: v.string(),
  mtimeMs: v.number(),
});
type KnownOutput = v.InferOutput<typeof OutputSchema>;

const LineSchema = v.pipe(v.string(), v.parseJson(), OutputSchema);

/**
 * Returns the list of output files outside the result directory,
 * one line for each; the last line for a path counts.
 */
function listFile(resultDirectory: string): string {
  return path.join(resultDirectory, ".swarm", "outputs");
}

/**
 * Records that a file is an output, so that it is not part of the next campaign's source. This is unnecessary
 * for files inside the result directory.
 */
export async function rememberOutput(
  resultDirectory: string,
  file: string,
  content: { sizeBytes: number; sha256: string },
): Promise<void> {
  const mtimeMs = lstatSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (mtimeMs === undefined) return; // the file has been removed in the meantime
  const line: KnownOutput = { path: path.relative(resultDirectory, file), ...content, mtimeMs };
  mkdirSync(path.join(resultDirectory, ".swarm"), { recursive: true });
  await appendFile(listFile(resultDirectory), `${JSON.stringify(line)}\n`);
}

/**
 * Returns the outputs outside a result directory that have not changed
 * since a run wrote them, by their absolute paths with and without symbolic
 * links. A file that the user has changed since counts as source again.
 */
export async function unchangedOutputs(resultDirectory: string): Promise<Set<string>> {
  const known = new Map<string, KnownOutput>();
  for await (const output of readOutputs(listFile(resultDirectory))) known.set(output.path, output);
  const unchanged = new Set<string>();
  for (const [name, output] of known) {
    const file = path.resolve(resultDirectory, name);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats?.size !== output.sizeBytes || stats.isDirectory()) continue;
    if (stats.mtimeMs !== output.mtimeMs && (await hashOf(file)) !== output.sha256) continue;
    unchanged.add(file);
    // git lists a file by its path without links
    unchanged.add(path.join(realpathSync(path.dirname(file)), path.basename(file)));
  }
  return unchanged;
}

/**
 * Yields the recorded outputs. Damaged lines are ignored: a process may have been killed while it wrote one.
 */
async function* readOutputs(file: string): AsyncGenerator<KnownOutput> {
  try {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
    for await (const line of lines) {
      const parsed = v.safeParse(LineSchema, line);
      if (parsed.success) yield parsed.output;
    }
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) throw error;
  }
}
