import { expect, test } from "vitest";
import { wholeNumberIn } from "../../src/model/whole-number.ts";

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
