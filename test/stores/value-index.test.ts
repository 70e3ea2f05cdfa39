import { mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { ResultItem, RunValues } from "../../src/model/result-item.ts";
import { indexFiles } from "../../src/stores/value-index-format.ts";
import { ValueIndexWriter } from "../../src/stores/value-index-writer.ts";
import { ValueIndex } from "../../src/stores/value-index.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const items = (...names: string[]): ResultItem[] =>
  names.map((name) => ({ module: "Net.<b>", name, unit: name === "b" ? "s" : null, kind: "scalar" }));

const recorded = (names: string[], values: number[], omitted = 0): RunValues => ({
  items: items(...names),
  values: Float64Array.from(values),
  omitted,
});

/** Returns the values of runs in an index, by their item's name; `finishedAt` is 10 times the number of the run. */
async function valuesIn(index: ValueIndex, runs: readonly number[]): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const run of runs) {
    const entry = index.entry(run, run * 10);
    if (entry === undefined) continue;
    const list = index.itemsOf(entry);
    await index.read([entry], new Map([[entry.list, list.map((_, at) => at)]]), (_, values) =>
      found.push({ run, ...Object.fromEntries(list.map(({ name }, at) => [name, values[at]])) }),
    );
  }
  return found;
}

async function made() {
  const directory = await temporaryDirectory("index-");
  const files = indexFiles(directory.path, "c1");
  return {
    files,
    newWriter: (campaign = "c1") => new ValueIndexWriter(directory.path, campaign),
    newReader: (campaign = "c1") => new ValueIndex(directory.path, campaign),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

it("returns what was written, while it is being written", async () => {
  await using at = await made();
  const [writer, reader] = [at.newWriter(), at.newReader()];
  expect(await reader.refresh()).toBe(false);
  await writer.add({ runNumber: 0, finishedAt: 0 }, recorded(["a", "b"], [1, NaN], 3));
  await writer.add({ runNumber: 1, finishedAt: 10 }, recorded(["a", "b"], [-Infinity, 4.5]));
  expect(await reader.refresh()).toBe(true);
  expect(await reader.refresh()).toBe(false);
  await at.newWriter().add({ runNumber: 2, finishedAt: 20 }, recorded(["c"], [5]));
  await at.newWriter().add({ runNumber: 3, finishedAt: 30 }, recorded(["a", "b"], [6, 7]));
  expect(await reader.refresh()).toBe(true);
  expect(await valuesIn(reader, [0, 1, 2, 3, 4])).toEqual([
    { run: 0, a: 1, b: NaN },
    { run: 1, a: -Infinity, b: 4.5 },
    { run: 2, c: 5 },
    { run: 3, a: 6, b: 7 },
  ]);
  expect(reader.entry(0, 0)).toMatchObject({ omitted: 3 });
  expect(reader.itemsOf(reader.entry(1, 10)!)).toEqual(items("a", "b"));
  const lines = (await readFile(at.files.items, "utf8")).split("\n").filter((line) => line !== "");
  expect(lines).toHaveLength(2); // runs with the same items share a list
});

it("has only the last execution of a run", async () => {
  await using at = await made();
  const [writer, reader] = [at.newWriter(), at.newReader()];
  await writer.add({ runNumber: 1, finishedAt: 10 }, recorded(["a"], [1]));
  await writer.add({ runNumber: 1, finishedAt: 11 }, recorded(["a"], [2]));
  await reader.refresh();
  expect([reader.entry(1, 10), reader.entry(1, undefined)]).toEqual([undefined, undefined]);
  expect(reader.entry(1, 11)).toBeDefined();
  const other = at.newReader("c2");
  await other.refresh();
  expect(other.entry(1, 11)).toBeUndefined();
});

it.each([1, 20, 47, 48, 60])("drops an entry of which only %i bytes were written", async (bytes) => {
  await using at = await made();
  await at.newWriter().add({ runNumber: 0, finishedAt: 0 }, recorded(["a", "b"], [1, 2]));
  const { size } = await stat(at.files.values);
  await at.newWriter().add({ runNumber: 1, finishedAt: 10 }, recorded(["a", "b"], [3, 4]));
  await truncate(at.files.values, size + bytes);
  const reader = at.newReader();
  await reader.refresh();
  expect(await valuesIn(reader, [0, 1])).toEqual([{ run: 0, a: 1, b: 2 }]);
  await at.newWriter().add({ runNumber: 2, finishedAt: 20 }, recorded(["a", "b"], [5, 6]));
  for (const each of [reader, at.newReader()]) {
    await each.refresh();
    expect(await valuesIn(each, [0, 1, 2])).toEqual([
      { run: 0, a: 1, b: 2 },
      { run: 2, a: 5, b: 6 },
    ]);
  }
});

it("drops entries with changed bytes, and lists that are cut off or changed", async () => {
  await using at = await made();
  await at.newWriter().add({ runNumber: 0, finishedAt: 0 }, recorded(["a"], [1]));
  const [values, lists] = [await readFile(at.files.values), await readFile(at.files.items, "utf8")];
  for (let byte = 0; byte < values.length; byte++) {
    const changed = Buffer.from(values);
    changed[byte]! ^= 4;
    await writeFile(at.files.values, changed);
    const reader = at.newReader();
    await reader.refresh();
    const found = await valuesIn(reader, [0]);
    expect([[], [{ run: 0, a: 1 }]]).toContainEqual(found); // bytes 28 and 44 are unused
  }
  await writeFile(at.files.values, values);
  for (const damaged of [lists.slice(0, -5), lists.replace('"a"', '"b"'), "", "{}\n"]) {
    await writeFile(at.files.items, damaged);
    const reader = at.newReader();
    await reader.refresh();
    expect(await valuesIn(reader, [0])).toEqual([]);
  }
  await at.newWriter().add({ runNumber: 0, finishedAt: 0 }, recorded(["a"], [2]));
  const reader = at.newReader();
  await reader.refresh();
  expect(await valuesIn(reader, [0])).toEqual([{ run: 0, a: 2 }]);
});

it("stays usable if it cannot be written", async () => {
  await using at = await made();
  const writer = at.newWriter();
  await writer.add({ runNumber: 0, finishedAt: 0 }, recorded(["a"], [1]));
  await mkdir(indexFiles(path.dirname(path.dirname(path.dirname(at.files.values))), "c9").values, {
    recursive: true,
  });
  await expect(at.newWriter("c9").add({ runNumber: 0, finishedAt: 0 }, recorded(["a"], [1]))).rejects.toThrow(
    /EISDIR|is not a regular file/,
  );
  await writer.add({ runNumber: 1, finishedAt: 10 }, recorded(["a"], [2]));
  const reader = at.newReader();
  await reader.refresh();
  expect(await valuesIn(reader, [0, 1])).toHaveLength(2);
});
