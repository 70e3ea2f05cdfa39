import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endOfFile } from "../../src/system/regular-file.ts";

let directory = "";
const there = (name: string): string => path.join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "regular-file-"));
  await writeFile(there("ten"), "0123456789");
  await writeFile(there("empty"), "");
  execFileSync("mkfifo", [there("fifo")]);
});

afterAll(() => rm(directory, { recursive: true }));

test.each([
  ["ten", 3, "789", 10],
  ["ten", 10, "0123456789", 10],
  ["ten", 1000, "0123456789", 10],
  ["empty", 3, "", 0],
])("the end of %s, at most %i bytes", async (name, mostBytes, text, sizeBytes) => {
  const read = await endOfFile(there(name), mostBytes);
  expect(read?.end.toString()).toBe(text);
  expect(read?.sizeBytes).toBe(sizeBytes);
});

test.each(["missing", "fifo", "."])("%s is no regular file and has no end", async (name) => {
  expect(await endOfFile(there(name), 10)).toBeUndefined();
});
