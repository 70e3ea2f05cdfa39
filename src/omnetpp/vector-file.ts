import type { FileHandle } from "node:fs/promises";
import { DownSampler } from "../model/down-sample.ts";
import { numberIn } from "../model/quantities.ts";
import { readLines, type Range, type ReadControl } from "./byte-lines.ts";
import { isDatabase } from "./database-header.ts";
import type { NamedRun } from "./run-values.ts";
import { readVectorIndex, type VectorIndex } from "./vector-index.ts";
import {
  isData,
  noVector,
  VectorDeclarations,
  type RecordedVector,
  type VectorList,
  type VectorSeries,
} from "./vector-lines.ts";

/** A vector file, opened, and its index if there is one. */
export interface VectorFile {
  /** For messages. */
  name: string;
  data: FileHandle;
  index: FileHandle | undefined;
}

/**
 * Returns the vectors that a run has recorded in a file, in text or SQLite, from its index if possible.
 * @throws {UserError} if a SQLite file is damaged or too large.
 */
export async function listVectors(
  file: VectorFile,
  run: NamedRun,
  control: ReadControl,
): Promise<VectorList> {
  if (await isDatabase(file.data)) {
    const { listVectorsInDatabase } = await import("./vector-database.ts");
    return await listVectorsInDatabase(file.data, file.name, run);
  }
  const { size } = await file.data.stat();
  const index = await indexOf(file, size, run, undefined, control);
  if (index !== undefined) return listOf(index.declared, true);
  const declared = new VectorDeclarations(run);
  const take = (buffer: Buffer, start: number, end: number): void => {
    if (!isData(buffer[start])) declared.take(buffer.toString("utf8", start, end));
  };
  const isWhole = await readLines(file.data, [{ from: 0, to: size }], take, control);
  return listOf(declared, isWhole);
}

function listOf(declared: VectorDeclarations, isWhole: boolean): VectorList {
  return {
    vectors: [...declared.vectors.values()].map(facts),
    omitted: declared.omitted,
    isPartial: !isWhole,
  };
}

/** Returns a vector without what matters only for reading. */
function facts({ id, module, name, unit, interpolation, count }: RecordedVector): RecordedVector {
  return { id, module, name, unit, interpolation, count };
}

/**
 * Returns the values of a vector, reduced to at most a number of points. The file is never in memory as a whole, unless
 * it is a SQLite file.
 * @throws {UserError} if the run has no such vector, or a SQLite file is damaged or too large.
 */
export async function readVector(
  file: VectorFile,
  run: NamedRun,
  id: number,
  most: number,
  control: ReadControl,
): Promise<VectorSeries> {
  if (await isDatabase(file.data)) {
    const { readVectorInDatabase } = await import("./vector-database.ts");
    return await readVectorInDatabase(file, run, id, most, control);
  }
  const { size } = await file.data.stat();
  const index = await indexOf(file, size, run, id, control);
  return index === undefined
    ? await readWhole(file.data, run, { id, most }, control)
    : await readBlocks(file.data, index, id, most, control);
}

async function indexOf(
  { index }: VectorFile,
  size: number,
  run: NamedRun,
  id: number | undefined,
  { signal, isTimeUp }: ReadControl,
): Promise<VectorIndex | undefined> {
  return index && (await readVectorIndex(index, size, run, id, { signal, isTimeUp }));
}

/** Reads the parts of a file that its index names. */
async function readBlocks(
  data: FileHandle,
  { declared, blocks }: VectorIndex,
  id: number,
  most: number,
  control: ReadControl,
): Promise<VectorSeries> {
  const vector = declared.vectors.get(id);
  if (vector === undefined) throw noVector(id);
  const samples = new DownSampler(most);
  const take = takerOf(id, (words) => addSample(samples, words, vector));
  const { part, onProgress } = countParts(control);
  const isWhole = await readLines(data, blocks, take, { ...control, onProgress });
  return { vector: facts(vector), ...samples.result(), readPart: isWhole ? 1 : part() };
}

async function readWhole(
  data: FileHandle,
  run: NamedRun,
  { id, most }: { id: number; most: number },
  control: ReadControl,
): Promise<VectorSeries> {
  const { size } = await data.stat();
  let samples = new DownSampler(most);
  const declared = new VectorDeclarations(run, () => (samples = new DownSampler(most)));
  const takeData = takerOf(id, (words) => {
    const vector = declared.isWanted ? declared.vectors.get(id) : undefined;
    if (vector !== undefined) addSample(samples, words, vector);
  });
  const take = (buffer: Buffer, start: number, end: number): void => {
    if (isData(buffer[start])) takeData(buffer, start, end);
    else declared.take(buffer.toString("utf8", start, end));
  };
  const all: Range = { from: 0, to: size };
  const { part, onProgress } = countParts(control);
  const isWhole = await readLines(data, [all], take, { ...control, onProgress });
  const vector = declared.vectors.get(id);
  if (vector === undefined) throw noVector(id);
  const series = samples.result();
  const count = isWhole ? series.count : undefined;
  return { vector: { ...facts(vector), count }, ...series, readPart: isWhole ? 1 : part() };
}

/** Returns a progress function that also remembers which part has been read. */
function countParts({ onProgress }: ReadControl): {
  part: () => number;
  onProgress: NonNullable<ReadControl["onProgress"]>;
} {
  let part = 0;
  return {
    part: () => part,
    onProgress(done, of) {
      part = of === 0 ? 1 : done / of;
      onProgress?.(done, of);
    },
  };
}

/** Returns a function that passes on the words of those lines of data that begin with a number. */
function takerOf(
  id: number,
  takeWords: (words: string[]) => void,
): (buffer: Buffer, start: number, end: number) => void {
  const wanted = Buffer.from(String(id));
  return (buffer, start, end) => {
    const after = start + wanted.length;
    if (after >= end || isData(buffer[after])) return;
    // most lines belong to other vectors: they are recognized without creating a string
    for (let at = 0; at < wanted.length; at++) if (buffer[start + at] !== wanted[at]) return;
    takeWords(buffer.toString("latin1", start, end).split(/[\t ]+/));
  };
}

function addSample(
  samples: DownSampler,
  words: readonly string[],
  { timeAt, valueAt }: { timeAt: number; valueAt: number },
): void {
  const [time, value] = [numberIn(words[timeAt] ?? ""), numberIn(words[valueAt] ?? "")];
  if (time !== undefined && value !== undefined) samples.add(time, value);
}
