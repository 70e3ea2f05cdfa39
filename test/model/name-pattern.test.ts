import { expect, it } from "vitest";
import { literalPattern, namePattern } from "../../src/model/name-pattern.ts";

const HOST = "Net.host[3].app.delay:mean";

it.each([
  [HOST, HOST, true],
  ["Net.host[3].app", HOST, false],
  ["Net.*.app.delay:mean", HOST, true],
  ["Net.*", HOST, false],
  ["**", HOST, true],
  ["**.delay:*", HOST, true],
  ["**delay:mean", HOST, true],
  ["*.host[*].*.*", HOST, true],
  ["Net.host[?].**", HOST, true],
  ["Net?host[3].**", HOST, false],
  ["Net.host[2..4].**", HOST, true],
  ["Net.host[..4].**", HOST, true],
  ["Net.host[4..].**", HOST, false],
  ["Net.host[4..].**", "Net.host[40].x", true],
  ["Net.host{2..4}", "Net.host3", true],
  ["Net.host{2..4}", "Net.host33", false],
  ["Net.host{2..4}3", "Net.host33", false], // a number is as long as possible
  ["{a-f}x", "cx", true],
  ["{^a-f}x", "cx", false],
  ["{^a-f}x", "gx", true],
  ["{}x}", "}", true],
  ["{a-}", "-", true],
  [String.raw`Net.\*`, "Net.*", true],
  [String.raw`Net.\*`, "Net.a", false],
  ["Net.host[3", "Net.host[3", true],
  ["", "", true],
  ["*", "", true],
])("%s matches %s: %s", (pattern, name, matches) => {
  expect(namePattern(pattern)(name)).toBe(matches);
});

it("decides quickly, whatever the pattern", () => {
  const matches = namePattern(`${"**a*".repeat(50)}b`);
  expect(matches("a".repeat(1000))).toBe(false);
  expect(matches(`${"a".repeat(1000)}b`)).toBe(true);
});

it("explains a brace that is not closed", () => {
  expect(() => namePattern("Net.{a-f")).toThrow('the pattern "Net.{a-f" has a { without a }');
});

it("makes patterns that match only one name", () => {
  for (const name of [HOST, "a{b}c*?\\", "x[1..2]"]) {
    expect(namePattern(literalPattern(name))(name)).toBe(true);
    expect(namePattern(literalPattern(name))(`${name}x`)).toBe(false);
  }
  expect(namePattern(literalPattern("x[1..2]"))("x[1]")).toBe(false);
});
