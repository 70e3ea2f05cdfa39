import { lstat, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { hasStamp, laterTime, withStamp } from "../../src/system/file-stamp.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

async function stamped(folder: string) {
  const file = path.join(folder, "file");
  await writeFile(file, "one");
  const time = await laterTime(folder, ["file"]);
  const { result, stamp } = await withStamp(file, time, () => readFile(file, "utf8"));
  expect(result).toBe("one");
  expect(stamp).toBeDefined();
  return { file, time, stamp: stamp! };
}

it("has its stamp until it is changed, also if its size and modification time are restored", async () => {
  await using temporary = await temporaryDirectory();
  const { file, stamp } = await stamped(temporary.path);
  expect(hasStamp(file, stamp)).toBe(true);
  const { atime, mtime } = await stat(file);
  await writeFile(file, "two");
  await utimes(file, atime, mtime);
  expect(hasStamp(file, stamp)).toBe(false);
});

it("has its stamp when a folder above it is renamed", async () => {
  await using temporary = await temporaryDirectory();
  await using other = await temporaryDirectory();
  const { stamp } = await stamped(temporary.path);
  const moved = path.join(other.path, "moved");
  await rename(temporary.path, moved);
  expect(hasStamp(path.join(moved, "file"), stamp)).toBe(true);
});

it("is another file after it was replaced or removed", async () => {
  await using temporary = await temporaryDirectory();
  const { file, stamp } = await stamped(temporary.path);
  const other = path.join(temporary.path, "other");
  await writeFile(other, "one");
  await rename(other, file);
  expect(hasStamp(file, stamp)).toBe(false);
  await rename(file, other);
  expect(hasStamp(file, stamp)).toBe(false);
});

it("has no stamp if it changes while it is read, or has changed since the time", async () => {
  await using temporary = await temporaryDirectory();
  const { file, time } = await stamped(temporary.path);
  const later = await laterTime(temporary.path, ["file"]);
  expect((await withStamp(file, later, () => writeFile(file, "1"))).stamp).toBeUndefined();
  expect((await withStamp(file, time, () => readFile(file))).stamp).toBeUndefined();
  expect((await withStamp(file, undefined, () => readFile(file))).stamp).toBeUndefined();
});

it("waits until the clock of the file system is later than the last change", async () => {
  await using temporary = await temporaryDirectory();
  const files = ["a", "b", "c"].map((name) => path.join(temporary.path, name));
  for (const file of files) await writeFile(file, "");
  const time = await laterTime(temporary.path, ["a", "b", "c"]);
  for (const file of files) expect((await lstat(file, { bigint: true })).ctimeNs).toBeLessThan(time!);
});
