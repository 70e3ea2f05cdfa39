import { expect, test } from "vitest";
import { isNear, nearest } from "../../src/model/near.ts";

test.each([
  ["--timout", "--timeout"], // a letter is missing
  ["--timeoutt", "--timeout"], // one too many
  ["--timeaut", "--timeout"], // a wrong one
  ["Genreal", "General"], // two exchanged
  ["atc", "act"], // also in a short word
])("%s is near %s", (typed, meant) => {
  expect(isNear(typed, meant)).toBe(true);
});

test.each([
  ["ab", "ba"], // too short to guess
  ["cat", "act1"],
  ["list", "logs"],
])("%s is not near %s", (typed, meant) => {
  expect(isNear(typed, meant)).toBe(false);
});

test("names the most similar word first", () => {
  expect(nearest("nedfoldr", ["libraries", "nedFolder", "nedFolders"])).toEqual(["nedFolder", "nedFolders"]);
});

test("names words of which a part was typed", () => {
  expect(nearest("aloha", ["PureAloha", "Tictoc"])).toEqual(["PureAloha"]);
});
