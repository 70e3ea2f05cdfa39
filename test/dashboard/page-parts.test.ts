import { describe, expect, it } from "vitest";
import { amounts, interval } from "../../src/dashboard/page/base/format.ts";
import { EventStream } from "../../src/dashboard/page/base/event-stream.ts";
import { windowOf } from "../../src/dashboard/page/runs/columns.ts";
import { groupErrors } from "../../src/dashboard/page/runs/error-groups.ts";
import { splitAt } from "../../src/dashboard/page/runs/find-text.ts";
import { madeRow } from "../helpers/made-dashboard.ts";

describe("a stream of events", () => {
  it("is split into their data, wherever it is cut", () => {
    const text =
      'retry: 2000\n\n:\n\ndata: {"a":1}\n\ndata:first\r\ndata: second\r\n\r\nevent: x\ndata\n\ndata: cut';
    for (let cut = 0; cut <= text.length; cut++) {
      const stream = new EventStream();
      expect([...stream.add(text.slice(0, cut)), ...stream.add(text.slice(cut))]).toEqual([
        '{"a":1}',
        "first\nsecond",
        "",
      ]);
    }
  });
});

describe("the errors of runs", () => {
  it("are grouped whatever numbers differ, the most frequent first, without cancelled runs", () => {
    const rows = [
      madeRow(0, { state: "crashed", error: "signal 11 (Segmentation fault)" }),
      madeRow(1, { state: "failed", error: "serviceRate must be positive, at t=0.5s" }),
      madeRow(2, { state: "failed", error: "serviceRate must be positive, at t=7s" }),
      madeRow(3, { state: "cancelled", error: "cancelled before it started" }),
      madeRow(4),
      madeRow(5, { state: "failed", error: "serviceRate must be positive, at t=9s", supersededBy: "later" }),
    ];
    expect(groupErrors(rows)).toEqual([
      { message: "serviceRate must be positive, at t=0.5s", runs: 3, states: { failed: 3 }, current: [1, 2] },
      { message: "signal 11 (Segmentation fault)", runs: 1, states: { crashed: 1 }, current: [0] },
    ]);
  });
});

describe("the visible part of a table", () => {
  const size = { height: 320, rowHeight: 32, margin: 5 };
  it.each([
    [10_000, 0, { first: 0, last: 15 }],
    [10_000, 3200, { first: 95, last: 115 }],
    [10_000, 319_680, { first: 9985, last: 10_000 }],
    [3, 0, { first: 0, last: 3 }],
    [0, 0, { first: 0, last: 0 }],
    [3, 9999, { first: 3, last: 3 }], // it was scrolled before a filter
  ])("of %i rows scrolled to %i", (rows, top, expected) => {
    expect(windowOf(rows, { top, ...size })).toEqual(expected);
  });
});

it("finds all places of a text, whatever characters it has", () => {
  expect(splitAt("a.b A.B axb", "a.b")).toEqual(["", "a.b", " ", "A.B", " axb"]);
  expect(splitAt("text", "")).toEqual(["text"]);
  expect(splitAt("text", "(")).toEqual(["text"]);
});

it("labels the ticks of an axis with as few digits as distinguish them", () => {
  expect(amounts([0, 1e-6, 2e-6, 8e-6])).toEqual(["0", "1e-6", "2e-6", "8e-6"]);
  expect(amounts([0.5, 1, 1.5])).toEqual(["0.5", "1", "1.5"]);
  expect(amounts([72_640_000, 72_642_000, 72_644_000])).toEqual(["72.64M", "72.642M", "72.644M"]);
  expect(amounts([1.0001, 1.0002])).toEqual(["1.0001", "1.0002"]);
  expect(amounts([1, 1])).toEqual(["1", "1"]);
  expect(amounts([1, 1 + 2 ** -52])).toHaveLength(2);
  expect(amounts([])).toEqual([]);
});

it("rounds a mean as its half-width needs it", () => {
  expect(interval(72_647_016.2, 2082.4)).toBe("72.647M ± 2,082");
  expect(interval(0.191_23, 0.008_332)).toBe("0.1912 ± 0.008332");
  expect(interval(1234.5678, 0.012)).toBe("1,234.568 ± 0.012");
  expect(interval(5, 0)).toBe("5 ± 0");
  expect(interval(0, 1)).toBe("0 ± 1");
  expect(interval(1, NaN)).toBe("1 ± NaN");
});
