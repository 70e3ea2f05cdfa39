import { expect, test } from "vitest";
import { sha256, shortHash } from "../src/short-hash.ts";

test("hashes as sha256sum does", () => {
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(sha256(Buffer.from("abc"))).toBe(sha256("abc"));
});

test("a short hash has the first digits", () => {
  expect(shortHash("abc")).toBe("ba7816bf8f01cfea414140de5dae2223");
  expect(shortHash("abc", 8)).toBe("ba7816bf");
});
