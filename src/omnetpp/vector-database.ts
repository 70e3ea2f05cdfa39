import type { FileHandle } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { DownSampler } from "../model/down-sample.ts";
import type { ReadControl } from "./byte-lines.ts";
import { attributesIn, listItems, numberOf, rows, withDatabase, type OpenedDatabase } from "./database.ts";
import type { NamedRun } from "./run-values.ts";
import {
  MOST_VECTORS,
  noVector,
  type RecordedVector,
  type VectorList,
  type VectorSeries,
} from "./vector-lines.ts";

/** Number of samples to read before yielding to the event loop. */
const CHUNK = 50_000;

/** Returns the vectors of a run in a SQLite file, as `listVectors` does. */
export async function listVectorsInDatabase(
  handle: FileHandle,
  name: string,
  run: NamedRun,
): Promise<VectorList> {
  const { items: vectors, ...rest } = await listItems(handle, name, run, MOST_VECTORS, vectorsIn);
  return { vectors, ...rest };
}

function vectorsIn(opened: OpenedDatabase): RecordedVector[] {
  if (!opened.tables.has("vector")) return [];
  const [units, modes] = (["unit", "interpolationmode"] as const).map((attribute) =>
    attributesIn(opened, "vectorAttr", "vectorId", attribute),
  );
  const query = `SELECT vectorId, moduleName, vectorName, vectorCount FROM vector WHERE runId = ${opened.runId} LIMIT ${MOST_VECTORS + 1}`;
  return rows(opened.database, query).map(([id, module, name, count]) => ({
    id: Number(id),
    module: String(module),
    name: String(name),
    unit: units!.get(id) ?? null,
    interpolation: modes!.get(id) ?? null,
    count: typeof count === "number" ? count : undefined,
  }));
}

/** Returns the values of a vector in a SQLite file, as `readVector` does. */
export async function readVectorInDatabase(
  { data, name }: { data: FileHandle; name: string },
  run: NamedRun,
  id: number,
  most: number,
  control: ReadControl,
): Promise<VectorSeries> {
  const series = await withDatabase(data, name, run, async (opened) => {
    const vector = vectorsIn(opened).find((each) => each.id === id);
    if (vector === undefined || !opened.tables.has("vectorData")) return undefined;
    const samples = new DownSampler(most);
    const readPart = await readSamples(opened, id, samples, control);
    return { vector, ...samples.result(), readPart };
  });
  if (series === undefined) throw noVector(id);
  return series;
}

/** Reads the samples of a vector, in the order in which they were recorded. Returns which part of the table was read. */
async function readSamples(
  { database, runId }: OpenedDatabase,
  id: number,
  samples: DownSampler,
  { signal, isTimeUp, onProgress }: ReadControl,
): Promise<number> {
  const [[exponent] = []] = rows(database, `SELECT simtimeExp FROM run WHERE runId = ${runId}`);
  const scale = 10 ** -Number(exponent); // dividing by 10¹² is exact, multiplying by 10⁻¹² is not
  const [[first, last] = []] = rows(database, "SELECT min(rowid), max(rowid) FROM vectorData");
  const [from, to] = [Number(first ?? 0), Number(last ?? -1)];
  for (let row = from; row <= to; row += CHUNK) {
    signal.throwIfAborted();
    if (isTimeUp()) return (row - from) / (to - from);
    // a range of rows each time: others than those of the vector take time, too
    const statement = database.prepare(
      `SELECT simtimeRaw, value FROM vectorData WHERE rowid BETWEEN ${row} AND ${row + CHUNK - 1} AND vectorId = ${id}`,
    );
    while (statement.step()) {
      const [time, value] = statement.get();
      samples.add(Number(time) / scale, numberOf(value));
    }
    statement.free();
    onProgress?.(row - from, to - from + 1);
    await setImmediate();
  }
  return 1;
}
