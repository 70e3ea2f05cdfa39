import { expect, it } from "vitest";
import { barsOf, histogramNotes } from "../../src/dashboard/page/runs/histogram.ts";
import { recordingsIn, searchRecordings } from "../../src/dashboard/page/runs/recording-list.ts";

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
