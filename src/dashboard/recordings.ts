import type { FileHandle } from "node:fs/promises";
import { UserError } from "../errors.ts";
import { messageWithHint } from "./error-response.ts";
import type { ReadControl } from "../omnetpp/byte-lines.ts";
import { listHistograms, readHistogram } from "../omnetpp/histogram-file.ts";
import type { Histogram, RecordedHistogram } from "../omnetpp/histogram.ts";
import { indexFileOf, isScalarFile, isVectorFile } from "../omnetpp/result-files.ts";
import type { NamedRun } from "../omnetpp/run-values.ts";
import { listVectors, readVector, type VectorFile } from "../omnetpp/vector-file.ts";
import type { RecordedVector, VectorSeries } from "../omnetpp/vector-lines.ts";
import type { RunFiles } from "./run-files.ts";

/** Number of points of a vector that are drawn; a picture has fewer pixels. */
const MOST_POINTS = 2000;
/** Number of files of a run to look for vectors and histograms in; a simulation writes one of each kind. */
const MOST_FILES = 10;
/** Number of entries in an answer. */
const MOST_LISTED = 5000;

/** What a run has recorded in addition to scalars. */
export interface Recordings {
  vectors: (RecordedVector & { file: string })[];
  histograms: (RecordedHistogram & { file: string })[];
  /** What is missing in the lists, and why. */
  notes: string[];
}

/** Returns the vectors and histograms of a run. A file that cannot be read is a note. */
export async function listRecordings(
  files: RunFiles,
  run: NamedRun,
  control: ReadControl,
): Promise<Recordings> {
  const found: Recordings = { vectors: [], histograms: [], notes: [] };
  const note = (file: string, { omitted, isPartial }: { omitted: number; isPartial: boolean }): void => {
    if (omitted > 0)
      found.notes.push(`${file}: ${omitted} entries are not listed, because there are too many.`);
    if (isPartial)
      found.notes.push(`${file}: the list is incomplete, because reading the file took too long.`);
  };
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      found.notes.push(messageWithHint(error));
    }
  };
  for (const file of files.names.filter(isVectorFile).slice(0, MOST_FILES))
    await attempt(async () => {
      await using opened = await openVectorFile(files, file);
      const { vectors, ...rest } = await listVectors(opened.file, run, control);
      found.vectors.push(...vectors.map((vector) => ({ ...vector, file })));
      note(file, rest);
    });
  for (const file of files.names.filter(isScalarFile).slice(0, MOST_FILES))
    await attempt(async () => {
      await using handle = await files.open(file);
      const { histograms, ...rest } = await listHistograms({ handle, name: file }, run, control);
      found.histograms.push(...histograms.map((histogram) => ({ ...histogram, file })));
      note(file, rest);
    });
  return shortened(found);
}

function shortened({ vectors, histograms, notes }: Recordings): Recordings {
  const omitted = Math.max(0, vectors.length - MOST_LISTED) + Math.max(0, histograms.length - MOST_LISTED);
  return {
    vectors: vectors.slice(0, MOST_LISTED),
    histograms: histograms.slice(0, MOST_LISTED),
    notes:
      omitted === 0 ? notes : [...notes, `${omitted} entries are not listed, because there are too many.`],
  };
}

/** Returns the values of a vector of a run, reduced to what can be drawn. */
export async function vectorOf(
  files: RunFiles,
  run: NamedRun,
  { file, id }: { file: string; id: number },
  control: ReadControl,
): Promise<VectorSeries> {
  if (!isVectorFile(file)) throw new UserError(`${file} is not a vector file`);
  await using opened = await openVectorFile(files, file);
  return await readVector(opened.file, run, id, MOST_POINTS, control);
}

/** Returns a histogram of a run. */
export async function histogramOf(
  files: RunFiles,
  run: NamedRun,
  { file, module, name }: { file: string; module: string; name: string },
  control: ReadControl,
): Promise<Histogram> {
  if (!isScalarFile(file)) throw new UserError(`${file} is not a scalar file`);
  await using handle = await files.open(file);
  return await readHistogram({ handle, name: file }, run, { module, name }, control);
}

async function openVectorFile(
  files: RunFiles,
  name: string,
): Promise<{ file: VectorFile } & AsyncDisposable> {
  const data = await files.open(name);
  const index = await openIndex(files, indexFileOf(name));
  return {
    file: { name, data, index },
    async [Symbol.asyncDispose]() {
      await data.close();
      await index?.close();
    },
  };
}

/** Opens the index of a vector file; without it, the file itself is read. */
async function openIndex(files: RunFiles, name: string): Promise<FileHandle | undefined> {
  if (!files.names.includes(name)) return undefined;
  try {
    return await files.open(name);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
