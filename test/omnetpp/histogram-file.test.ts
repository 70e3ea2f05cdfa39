import { open, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { listHistograms, readHistogram } from "../../src/omnetpp/histogram-file.ts";
import { MOST_BINS, type Histogram, type HistogramList } from "../../src/omnetpp/histogram.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const fixture = (name: string): string =>
  path.join(import.meta.dirname, "../fixtures/omnetpp/recordings", name);
const RUN = { config: "Recorded", runNumber: 0 };
const UNLIMITED = { signal: new AbortController().signal, isTimeUp: () => false };
const WAITING = { module: "Mm1.queue", name: "waitingTime:histogram" };

async function listIn(file: string): Promise<HistogramList> {
  await using handle = await open(file);
  return await listHistograms({ handle, name: path.basename(file) }, RUN, UNLIMITED);
}

async function readIn(file: string, wanted = WAITING): Promise<Histogram> {
  await using handle = await open(file);
  return await readHistogram({ handle, name: path.basename(file) }, RUN, wanted, UNLIMITED);
}

async function inFile<T>(content: string, work: (file: string) => Promise<T>): Promise<T> {
  await using directory = await temporaryDirectory("sca-");
  const file = path.join(directory.path, "a.sca");
  await writeFile(file, content);
  return await work(file);
}

const HEAD = "version 3\nrun Recorded-0\nattr configname Recorded\nattr runnumber 0\n\n";
const histogram = (bins: string): string => `${HEAD}statistic Net h\nfield count 3\nattr unit s\n${bins}`;
const H = { module: "Net", name: "h" };

// recorded by OMNeT++ 6.2.0 from the same run
it.each(["text.sca", "sqlite.sca"])("reads a recorded histogram: %s", async (name) => {
  expect(await listIn(fixture(name))).toEqual({
    histograms: [{ ...WAITING, unit: "s", count: 81 }],
    omitted: 0,
    isPartial: false,
  });
  const { edges, values, underflow, overflow, mean, stddev } = await readIn(fixture(name));
  expect([underflow, overflow, values.length, edges.length]).toEqual([0, 0, 46, 47]);
  expect([edges[0], edges[1], edges.at(-1)]).toEqual([0, 0.5, 23]);
  expect(values.slice(0, 8)).toEqual([12, 4, 4, 4, 5, 3, 6, 7]);
  expect(values.reduce((sum, value) => sum + value, 0)).toBe(81);
  expect(mean).toBeCloseTo(5.0210852136817, 12);
  expect(stddev).toBeCloseTo(4.8591465295684, 12);
});

it("has what lies below and above the bins", async () => {
  const file = histogram("bin\t-inf\t2\nbin\t0\t5\nbin\t1.5\t6\nbin\t2\t7\nscalar Net x 1\nattr unit m\n");
  expect(await inFile(file, (name) => readIn(name, H))).toEqual({
    ...H,
    unit: "s",
    count: 3,
    mean: undefined,
    stddev: undefined,
    underflow: 2,
    overflow: 7,
    edges: [0, 1.5, 2],
    values: [5, 6],
  });
});

it("takes the last recording of the wanted run, and leaves out statistics without bins", async () => {
  const other = HEAD.replace("runnumber 0", "runnumber 1");
  const part = (value: number): string =>
    `statistic Net h\nbin 0 ${value}\nbin 1 0\nstatistic Net s\nfield count 1\n`;
  const file = HEAD + part(1) + HEAD + part(2) + other + part(3);
  expect((await inFile(file, listIn)).histograms).toEqual([{ ...H, unit: null, count: undefined }]);
  expect((await inFile(file, (name) => readIn(name, H))).values).toEqual([2]);
});

it.each([
  ["has no such histogram", HEAD, "the run has no histogram Net.h in this file"],
  ["has only one edge", histogram("bin 0 1\n"), "the histogram has no bins"],
  ["has edges in disorder", histogram("bin 0 1\nbin 2 1\nbin 1 1\n"), "not in order"],
  ["has an infinite edge", histogram("bin 0 1\nbin inf 1\n"), "not in order"],
  [
    "has too many bins",
    histogram(Array.from({ length: MOST_BINS + 9 }, (_, edge) => `bin ${edge} 1\n`).join("")),
    "more than 20000 bins",
  ],
  ["is a damaged SQLite file", "SQLite format 3\0damaged", "cannot read the SQLite file a.sca"],
])("says why nothing can be drawn if a file %s", async (_, file, reason) => {
  await expect(inFile(file, (name) => readIn(name, H))).rejects.toThrow(reason);
});

it("shows no part of a histogram if reading takes too long", async () => {
  await using handle = await open(fixture("text.sca"));
  const late = { ...UNLIMITED, isTimeUp: () => true };
  await expect(readHistogram({ handle, name: "a.sca" }, RUN, WAITING, late)).rejects.toThrow(
    "reading the file a.sca took too long",
  );
});
