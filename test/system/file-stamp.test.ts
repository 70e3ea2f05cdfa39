import { readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { hasStamp, withStamp } from "../../src/system/file-stamp.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A file that was changed long enough ago. */
async function stamped(folder: string) {
  const file = path.join(folder, "file");
  await writeFile(file, "one");
  const { result, stamp } = await vi.waitFor(async () => {
    const read = await withStamp(file, () => readFile(file, "utf8"));
    expect(read.stamp).toBeDefined();
    return read;
  });
  expect(result).toBe("one");
  return { file, stamp: stamp! };
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

it("has no stamp if it changes while it is read, or was changed just before", async () => {
  await using temporary = await temporaryDirectory();
  const { file } = await stamped(temporary.path);
  expect((await withStamp(file, () => writeFile(file, "1"))).stamp).toBeUndefined();
  await writeFile(file, "2");
  vi.useFakeTimers({ now: (await stat(file)).ctimeMs + 5, toFake: ["Date"] });
  try {
    expect((await withStamp(file, () => readFile(file))).stamp).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});
