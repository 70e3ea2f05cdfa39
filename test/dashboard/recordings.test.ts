import { open } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { barsOf, binText, histogramNotes } from "../../src/dashboard/page/runs/histogram.ts";
import { movedMark } from "../../src/dashboard/page/runs/moved-mark.ts";
import { recordingsIn, searchRecordings } from "../../src/dashboard/page/runs/recording-list.ts";
import { vectorPointText } from "../../src/dashboard/page/runs/vector.ts";
import { listRecordings, vectorOf } from "../../src/dashboard/recordings.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const facts = { file: "results/a&b.vec", module: "Net.host[0]", unit: null };

it("gives each vector and histogram a key of its own, and its request", () => {
  const vectors = [0, 1].map((id) => ({ ...facts, id, name: "delay:vector", interpolation: null }));
  const all = recordingsIn({ vectors, histograms: [{ ...facts, name: "delay=1" }], notes: [] });
  expect(all.map(({ key, request }) => [key, request])).toEqual([
    ["vector:Net.host[0].delay:vector", "vector?file=results%2Fa%26b.vec&id=0"],
    ["vector:Net.host[0].delay:vector#2", "vector?file=results%2Fa%26b.vec&id=1"],
    [
      "histogram:Net.host[0].delay=1",
      "histogram?file=results%2Fa%26b.vec&module=Net.host%5B0%5D&name=delay%3D1",
    ],
  ]);
  expect(searchRecordings(all, "HOST histo").map(({ key }) => key)).toEqual([
    "histogram:Net.host[0].delay=1",
  ]);
  expect(searchRecordings(all, " ")).toHaveLength(3);
});

it("compares areas of bins that are not equally wide", () => {
  const histogram = { module: "m", name: "n", unit: null, underflow: 0, overflow: 0.5 };
  const even = { ...histogram, edges: [0, 0.1, 0.2, 0.30000000000000004], values: [1, 2, 3] };
  expect(barsOf(even)).toEqual({ heights: [1, 2, 3], title: "observations" });
  const uneven = { ...histogram, edges: [0, 1, 4], values: [1.5, 6], count: 1, mean: 2, stddev: null };
  expect(barsOf(uneven)).toEqual({ heights: [1.5, 2], title: "weight per unit" });
  expect(histogramNotes(even)).toEqual(["3 bins", "Not drawn: 0.5 from 0.3 on (overflow)."]);
  expect(histogramNotes({ ...uneven, overflow: 0 })).toEqual(["1 observation, mean 2, 2 bins"]);
});

it("has each point and bin as a text, with all of its digits", () => {
  const vector = { module: "m", name: "n", unit: "s", interpolation: null };
  const series = { vector, count: 1, notFinite: 0, isReduced: false, readPart: 1 };
  expect(vectorPointText({ ...series, points: [[12.345678901234, 0.1 + 0.2]] }, 0)).toBe(
    "t = 12.3456789012 s: 0.3 s",
  );
  const histogram = { module: "m", name: "n", unit: null, underflow: 0, overflow: 0 };
  expect(binText({ ...histogram, edges: [0, 0.1 + 0.2, 1], values: [7, 123_456] }, 1)).toBe(
    "from 0.3 to 1: 123456",
  );
});

it.each([
  ["ArrowRight", undefined, 0],
  ["ArrowRight", 99, 99],
  ["ArrowLeft", undefined, 99],
  ["ArrowLeft", 0, 0],
  ["PageDown", 5, 15],
  ["PageUp", 5, 0],
  ["Home", 50, 0],
  ["End", 50, 99],
  ["a", 50, undefined],
  ["constructor", 50, undefined],
])("moves by the key %s from point %s to %s of 100", (key, from, to) => {
  expect(movedMark(key, from, 100)).toBe(to);
  expect(movedMark(key, undefined, 0)).toBeUndefined();
});

it("says why a SQLite file is too large, and what to do", async () => {
  await using directory = await temporaryDirectory("recordings-");
  const file = path.join(directory.path, "a.vec");
  await using handle = await open(file, "w");
  await handle.write("SQLite format 3\0");
  await handle.truncate(300 << 20); // it occupies no space on the disk
  const files = { names: ["a.vec"], open: () => open(file) };
  const run = { config: "A", runNumber: 0 };
  const control = { signal: new AbortController().signal, isTimeUp: () => false };
  const reason =
    "the SQLite file a.vec has 300 MiB, and only files of up to 256 MiB can be read, because SQLite files are read into memory as a whole";
  expect(await listRecordings(files, run, control)).toEqual({
    vectors: [],
    histograms: [],
    notes: [
      `${reason} – record vectors in the text format, which is read in parts, or open the file with opp_scavetool`,
    ],
  });
  await expect(vectorOf(files, run, { file: "a.vec", id: 0 }, control)).rejects.toThrow(reason);
});
