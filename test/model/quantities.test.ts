import { expect, it } from "vitest";
import { compareValues, convert, inBaseUnit, numberIn, quantityIn } from "../../src/model/quantities.ts";

it.each([
  ["500ms", 500, "ms"],
  ["2 s", 2, "s"],
  ["-3.5e-3 dBm", -3.5e-3, "dBm"],
  [".5", 0.5, ""],
  ["1.", 1, ""],
  ["9.6kbps", 9600 / 1000, "kbps"],
  ["inf", Infinity, ""],
  ["-inf s", -Infinity, "s"],
  ["nan", NaN, ""],
  ["1h 30min", 90, "min"],
  ["1min30s", 90, "s"],
  ["50%", 50, "%"],
])("reads %s", (text, value, unit) => {
  expect(quantityIn(text)).toEqual({ value, unit });
});

it.each([
  "",
  "fast",
  "exponential(2s)",
  "10..20",
  "1s + 2s",
  "1s 2m",
  "infinite",
  '"5"',
  "0x10",
  "true",
  "--1",
])("is not a quantity: %s", (text) => {
  expect(quantityIn(text)).toBeUndefined();
});

it("reads numbers as C++ prints them", () => {
  expect(["1e-3", "-nan", "nan", "-inf", "+inf", "17"].map(numberIn)).toEqual([
    1e-3,
    NaN,
    NaN,
    -Infinity,
    Infinity,
    17,
  ]);
  expect(["", "1s", "x"].map(numberIn)).toEqual([undefined, undefined, undefined]);
});

it("converts between units that measure the same", () => {
  expect(convert({ value: 2, unit: "min" }, "s")).toBe(120);
  expect(convert({ value: 1, unit: "KiB" }, "b")).toBe(8192);
  expect(convert({ value: 1, unit: "s" }, "m")).toBeUndefined();
  expect(convert({ value: 1, unit: "dBm" }, "W")).toBeUndefined();
  expect(inBaseUnit({ value: 500, unit: "ms" })).toEqual({ value: 0.5, unit: "s" });
  expect(inBaseUnit({ value: 5, unit: "packets" })).toEqual({ value: 5, unit: "packets" });
});

it.each([
  [["500ms", "2s", "1min"]],
  [["9", "10", "100", "1e3", "inf"]],
  [["100bps", "1kbps", "1Mbps"]],
  [["-10dBm", "-9dBm", "3dBm"]],
  [["node2", "node10"]],
  [["0.5", "TCP Reno", "TCP Tahoe"]],
])("sorts by number and unit: %j", (sorted) => {
  expect(sorted.toReversed().sort(compareValues)).toEqual(sorted);
});
