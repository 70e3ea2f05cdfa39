import type { FileHandle } from "node:fs/promises";
import { attributesIn, listItems, numberOf, rows, withDatabase, type OpenedDatabase } from "./database.ts";
import {
  binsOf,
  MOST_BINS,
  MOST_HISTOGRAMS,
  noHistogram,
  type Histogram,
  type HistogramList,
  type RecordedHistogram,
  type WantedHistogram,
} from "./histogram.ts";
import type { NamedRun } from "./run-values.ts";

type Found = RecordedHistogram & { id: number; mean: number; stddev: number };

/** Returns the histograms of a run in a SQLite file, as `listHistograms` does. */
export async function listHistogramsInDatabase(
  handle: FileHandle,
  file: string,
  run: NamedRun,
): Promise<HistogramList> {
  const { items, ...rest } = await listItems(handle, file, run, MOST_HISTOGRAMS, histogramsIn);
  const histograms = items.map(({ module, name, unit, count }) => ({ module, name, unit, count }));
  return { histograms, ...rest };
}

function histogramsIn(opened: OpenedDatabase): Found[] {
  if (!opened.tables.has("statistic")) return [];
  const units = attributesIn(opened, "statisticAttr", "statId", "unit");
  const query = `SELECT statId, moduleName, statName, statCount, statMean, statStddev FROM statistic
    WHERE runId = ${opened.runId} AND isHistogram = 1 LIMIT ${MOST_HISTOGRAMS + 1}`;
  return rows(opened.database, query).map(([id, module, name, count, mean, stddev]) => ({
    id: Number(id),
    module: String(module),
    name: String(name),
    unit: units.get(id) ?? null,
    count: typeof count === "number" ? count : undefined,
    mean: numberOf(mean),
    stddev: numberOf(stddev),
  }));
}

/** Returns a histogram in a SQLite file, as `readHistogram` does. */
export async function readHistogramInDatabase(
  handle: FileHandle,
  file: string,
  run: NamedRun,
  wanted: WantedHistogram,
): Promise<Histogram> {
  const histogram = await withDatabase(handle, file, run, (opened): Histogram | undefined => {
    const found = histogramsIn(opened).findLast(
      ({ module, name }) => module === wanted.module && name === wanted.name,
    );
    if (found === undefined || !opened.tables.has("histogramBin")) return undefined;
    const query = `SELECT lowerEdge, binValue FROM histogramBin WHERE statId = ${found.id} ORDER BY lowerEdge LIMIT ${MOST_BINS + 3}`;
    const bins = rows(opened.database, query).map(
      ([edge, value]) => [numberOf(edge), numberOf(value)] as const,
    );
    const { id: _, ...facts } = found;
    return { ...facts, ...binsOf(bins) };
  });
  if (histogram === undefined) throw noHistogram(wanted);
  return histogram;
}
