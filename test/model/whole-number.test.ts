import { expect, test } from "vitest";
import { parseRanges, rangesOf, wholeNumberIn } from "../../src/model/whole-number.ts";

test.each([
  ["0", 0],
  ["007", 7],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
])("%s is a whole number", (text, number) => {
  expect(wholeNumberIn(text)).toBe(number);
});

test.each(["", " 1", "1 ", "-1", "+1", "1.0", "1e3", "0x10", "٣", "9007199254740992", "NaN"])(
  "%j is not a whole number",
  (text) => {
    expect(wholeNumberIn(text)).toBeUndefined();
  },
);

test("a number has to be in the range, whose ends belong to it", () => {
  expect(["0", "1", "3", "4"].map((text) => wholeNumberIn(text, 1, 3))).toEqual([undefined, 1, 3, undefined]);
});

test("ranges are read as they are written", () => {
  const numbers = [0, 1, 2, 3, 8, 10, 11];
  expect(parseRanges(rangesOf(numbers), 7)).toEqual(numbers);
  expect(parseRanges("0..6", 6)).toBeUndefined();
  for (const text of ["", ",", "1,", "2..1", "1..", "..1", "0..1..2", "x", "-1", "1 2"])
    expect([text, parseRanges(text, 100)]).toEqual([text, undefined]);
});
