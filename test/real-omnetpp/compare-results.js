import { open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { compareBytes, compareLines } from "./compare-files.js";
import { normalizerFor } from "./normalize.js";

/**
 * @typedef {object} Difference
 * @property {string} file relative to the result directory.
 * @property {string} reason its first difference, for a person.
 */

/**
 * @typedef {object} Comparison
 * @property {number} files found on both sides and compared.
 * @property {number} bytes of the compared files on the expected side.
 * @property {Difference[]} differences at most one for each file.
 */

/**
 * @typedef {object} CompareOptions
 * @property {readonly string[]} [addedOptions] options whose `config` lines count on neither side.
 * @property {(file: string) => boolean} [ignore] files, by their path in the directory, that are not compared.
 */

/** Files that only one side is expected to have: logs of runs, our records, files of failed runs. */
export const NOT_A_RESULT = /(^|\/)(\.swarm|failed)\/|\.out$/;

/**
 * Compares two directories of OMNeT++'s result files. They are equal if they differ only in run ids, dates, process ids
 * and the `config` lines of given options. Files are streamed, whatever their size.
 * @param {string} expected the results of `opp_runall`.
 * @param {string} actual
 * @param {CompareOptions} [options]
 * @returns {Promise<Comparison>}
 */
export async function compareResults(expected, actual, options = {}) {
  const { addedOptions = [], ignore = (/** @type {string} */ file) => NOT_A_RESULT.test(file) } = options;
  const expectedFiles = new Set(await listFiles(expected, ignore));
  const actualFiles = new Set(await listFiles(actual, ignore));
  /** @type {Comparison} */
  const comparison = { files: 0, bytes: 0, differences: [] };
  for (const file of [...new Set([...expectedFiles, ...actualFiles])].sort()) {
    const reason = !expectedFiles.has(file)
      ? "not expected"
      : !actualFiles.has(file)
        ? "missing"
        : await compareFile(path.join(expected, file), path.join(actual, file), addedOptions);
    if (reason !== undefined) comparison.differences.push({ file, reason });
    if (!expectedFiles.has(file) || !actualFiles.has(file)) continue;
    comparison.files++;
    comparison.bytes += (await stat(path.join(expected, file))).size;
  }
  return comparison;
}

/** @param {string} expected @param {string} actual @param {readonly string[]} addedOptions */
async function compareFile(expected, actual, addedOptions) {
  const extension = path.extname(expected);
  const normalizer = normalizerFor(extension, addedOptions);
  if (normalizer === undefined) return compareBytes(expected, actual);
  const reason = await compareLines(expected, actual, normalizer);
  if (reason !== undefined || extension !== ".vci") return reason;
  return (await isStale(actual)) && !(await isStale(expected))
    ? "index is not that of its .vec (size or time)"
    : undefined;
}

/**
 * Whether OMNeT++'s analysis tools would refuse this index: it names the size and the modification time, in
 * whole seconds, of the vector file beside it.
 * @param {string} index
 */
async function isStale(index) {
  const vectors = await stat(index.replace(/\.vci$/, ".vec")).catch(() => undefined);
  if (vectors === undefined) return true;
  const time = Math.floor(vectors.mtimeMs / 1000);
  const [, size, seconds] = /^file (\d+) (\d+)/.exec(await readHead(index)) ?? [];
  return Number(size) !== vectors.size || Number(seconds) !== time;
}

/** @param {string} file */
async function readHead(file) {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(80), 0, 80, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** @param {string} directory @param {(file: string) => boolean} ignore */
async function listFiles(directory, ignore) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .filter((file) => !ignore(file));
}
