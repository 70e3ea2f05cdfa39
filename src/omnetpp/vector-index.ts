import type { FileHandle } from "node:fs/promises";
import { readLines, type Range, type ReadControl } from "./byte-lines.ts";
import type { NamedRun } from "./run-values.ts";
import { isData, VectorDeclarations } from "./vector-lines.ts";

/** What the index of a vector file says. */
export interface VectorIndex {
  declared: VectorDeclarations;
  /** The parts of the file that contain the data of the asked vector. */
  blocks: Range[];
}

/** The numbers at the end of a block's line: count, minimum, maximum, sum and sum of squares. */
const COUNT_FROM_END = 5;

/**
 * Reads the index (`.vci`) of a vector file.
 * @param size of the vector file.
 * @param id number of the vector whose blocks are returned.
 * @returns undefined if the index does not belong to the file as it is, or cannot be read in time.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "Vector Index File".
 */
export async function readVectorIndex(
  handle: FileHandle,
  size: number,
  run: NamedRun,
  id: number | undefined,
  control: Omit<ReadControl, "onProgress">,
): Promise<VectorIndex | undefined> {
  let fileSize: number | undefined;
  const blocks: Range[] = [];
  const declared = new VectorDeclarations(run, () => (blocks.length = 0));
  const takeBlock = (line: string): void => {
    const words = line.trim().split(/\s+/);
    const [number, offset, length] = words.map(Number) as [number, number, number];
    const vector = declared.isWanted ? declared.vectors.get(number) : undefined;
    if (vector === undefined || words.length < 3 + COUNT_FROM_END) return;
    vector.count = (vector.count ?? 0) + (Number(words.at(-COUNT_FROM_END)) || 0);
    if (number !== id || !(offset >= 0 && length > 0)) return;
    if (offset + length <= size) blocks.push({ from: offset, to: offset + length });
  };
  const all = { from: 0, to: (await handle.stat()).size };
  const take = (buffer: Buffer, start: number, end: number): void => {
    const line = buffer.toString("utf8", start, end);
    if (line.startsWith("file ")) fileSize = Number(line.split(/\s+/)[1]);
    else if (isData(buffer[start])) takeBlock(line);
    else declared.take(line);
  };
  const isWhole = await readLines(handle, [all], take, control);
  if (fileSize !== size || !isWhole) return undefined;
  for (const vector of declared.vectors.values()) vector.count ??= 0;
  return { declared, blocks: joined(blocks) };
}

/** Returns neighbouring parts of a file as one. */
function joined(blocks: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const { from, to } of blocks) {
    const last = all.at(-1);
    if (last?.to === from) last.to = to;
    else all.push({ from, to });
  }
  return all;
}
