import { open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { ReadControl } from "../../src/omnetpp/byte-lines.ts";
import { listVectors, readVector, type VectorFile } from "../../src/omnetpp/vector-file.ts";
import type { VectorList } from "../../src/omnetpp/vector-lines.ts";
import type { NamedRun } from "../../src/omnetpp/run-values.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const fixture = (name: string): string =>
  path.join(import.meta.dirname, "../fixtures/omnetpp/recordings", name);
const RUN = { config: "Recorded", runNumber: 0 };
const UNLIMITED: ReadControl = { signal: new AbortController().signal, isTimeUp: () => false };

/** A vector file on the disk, with or without its index. */
async function opened(data: string, index?: string) {
  const file: VectorFile = {
    name: path.basename(data),
    data: await open(data),
    index: index === undefined ? undefined : await open(index),
  };
  return {
    file,
    async [Symbol.asyncDispose]() {
      await file.data.close();
      await file.index?.close();
    },
  };
}

/** Calls a function with a vector file that has any content. */
async function withFile<T>(
  content: string | Buffer,
  work: (file: VectorFile) => Promise<T>,
  index?: string,
): Promise<T> {
  await using directory = await temporaryDirectory("vec-");
  const [data, other] = ["a.vec", "a.vci"].map((name) => path.join(directory.path, name)) as [string, string];
  await writeFile(data, content);
  if (index !== undefined) await writeFile(other, index);
  await using at = await opened(data, index === undefined ? undefined : other);
  return await work(at.file);
}

const list = (content: string, index?: string): Promise<VectorList> =>
  withFile(content, (file) => listVectors(file, RUN, UNLIMITED), index);
const pointsOf = async (content: string, id = 0, index?: string, run: NamedRun = RUN) =>
  (await withFile(content, (file) => readVector(file, run, id, 2000, UNLIMITED), index)).points;

const HEAD = "version 3\nrun Recorded-0\nattr configname Recorded\nattr runnumber 0\n\n";

describe("a recorded vector file", () => {
  // recorded by OMNeT++ 6.2.0 from the same run; the counts and extremes are those in its index
  const recorded = [
    { name: "text with its index", data: "text.vec", index: "text.vci" },
    { name: "text without an index", data: "text.vec", index: undefined },
    { name: "SQLite", data: "sqlite.vec", index: undefined },
  ];

  it.each(recorded)("has the vectors of the run: $name", async ({ name, data, index }) => {
    await using at = await opened(fixture(data), index && fixture(index));
    const { vectors, ...rest } = await listVectors(at.file, RUN, UNLIMITED);
    expect(rest).toEqual({ omitted: 0, isPartial: false });
    const isCounted = name !== "text without an index";
    expect(vectors.map(({ id: _, ...vector }) => vector)).toEqual([
      {
        module: "Mm1.queue",
        name: "queueLength:vector",
        unit: null,
        interpolation: "sample-hold",
        count: isCounted ? 166 : undefined,
      },
      {
        module: "Mm1.queue",
        name: "waitingTime:vector",
        unit: "s",
        interpolation: null,
        count: isCounted ? 81 : undefined,
      },
    ]);
  });

  it.each(recorded)("has all values in their order: $name", async ({ data, index }) => {
    await using at = await opened(fixture(data), index && fixture(index));
    const { vectors } = await listVectors(at.file, RUN, UNLIMITED);
    const [length, waiting] = await Promise.all(
      vectors.map(({ id }) => readVector(at.file, RUN, id, 2000, UNLIMITED)),
    );
    expect(length).toMatchObject({ count: 166, isReduced: false, notFinite: 0, readPart: 1 });
    expect(length!.points[1]).toEqual([1.882705436722, 1]);
    expect(length!.points.at(-1)![0]).toBe(99.744000625044);
    const values = waiting!.points.map(([, value]) => value);
    expect([values.length, Math.min(...values)]).toEqual([81, 0]);
    expect(Math.max(...values)).toBeCloseTo(18.364004780335, 12);
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(406.70790230822, 9);
    expect(waiting!.vector.unit).toBe("s");
  });

  it("keeps the extremes if it has more points than are drawn", async () => {
    await using at = await opened(fixture("text.vec"), fixture("text.vci"));
    const { points, count, isReduced } = await readVector(at.file, RUN, 0, 40, UNLIMITED);
    expect([count, isReduced, points.length <= 40]).toEqual([166, true, true]);
    expect(Math.max(...points.map(([, value]) => value))).toBe(22);
  });
});

describe("a vector file in text", () => {
  it("may have any columns, quoted names, and values that are not finite", async () => {
    const file = `${HEAD}vector 7 "Net.a b" "x \\"y\\"" VT\nvector 8 Net z T\n7 1.5 3\n7\tnan\t4\n7\t-inf\t5\n`;
    expect(await list(file)).toMatchObject({
      vectors: [{ id: 7, module: "Net.a b", name: 'x "y"' }],
      omitted: 1,
    });
    expect(await withFile(file, (at) => readVector(at, RUN, 7, 9, UNLIMITED))).toMatchObject({
      points: [[3, 1.5]],
      count: 3,
      notFinite: 2,
    });
  });

  it("does not mix vectors whose numbers begin alike", async () => {
    const file = `${HEAD}vector 1 Net a TV\nvector 12 Net b TV\n1\t0\t5\n12\t0\t6\n1\t1\t7\n`;
    expect(await pointsOf(file, 1)).toEqual([
      [0, 5],
      [1, 7],
    ]);
  });

  it("has only the wanted run, and its last recording", async () => {
    const other = HEAD.replace("runnumber 0", "runnumber 1");
    const part = (value: number): string => `vector 0 Net a TV\n0\t1\t${value}\n`;
    const file = HEAD + part(1) + other + part(2) + HEAD + part(3) + other + part(4);
    expect(await pointsOf(file)).toEqual([[1, 3]]);
    expect(await pointsOf(file, 0, undefined, { config: "Recorded", runNumber: 1 })).toEqual([[1, 4]]);
  });

  it("ends before a line that a stopped simulation has not completed", async () => {
    expect(await pointsOf(`${HEAD}vector 0 Net a TV\n0\t1\t5\n0\t2\t12`)).toEqual([[1, 5]]);
  });

  it("is read without its index if that belongs to another version of the file", async () => {
    const [data, index] = await Promise.all(
      ["text.vec", "text.vci"].map((name) => readFile(fixture(name), "utf8")),
    );
    const more = `${data!}0\t999\t500\t77\n`;
    expect((await pointsOf(more, 0, index)).at(-1)).toEqual([500, 77]);
    expect((await list(more, index)).vectors[0]!.count).toBeUndefined();
  });

  it("reads only what its index names, and nothing beyond the file", async () => {
    const data = `${HEAD}vector 0 Net a TV\n0\t1\t5\n0\t2\t6\n`;
    const block = (from: number, size: number): string => `0\t${from} ${size} 1 2 2 5 6 11 61\n`;
    const start = data.indexOf("0\t2\t6");
    const index = `file ${data.length} 0\n${HEAD}vector 0 Net a TV\n${block(start, 6)}${block(start, 1e9)}${block(-5, 6)}`;
    expect(await pointsOf(data, 0, index)).toEqual([[2, 6]]);
  });

  it.each([
    ["nothing", ""],
    ["zeros", "\0".repeat(300_000)],
    ["a line without an end", `${HEAD}vector 0 Net a TV\n${"0".repeat(300_000)}`],
    ["a vector without a number", `${HEAD}vector x Net a\nvector\nvector 1\nattr\nattr unit\n`],
    ["no run", "vector\n0 1 2\n"],
  ])("with %s has no values", async (_, content) => {
    expect((await list(content)).vectors.filter(({ id }) => id !== 0)).toEqual([]);
    await expect(pointsOf(content, 1)).rejects.toThrow("the run has no vector 1 in this file");
  });

  it("goes on after a line that is too long", async () => {
    expect(await pointsOf(`${HEAD}vector 0 Net a TV\n0\t1\t${"5".repeat(200_000)}\n0\t2\t6\n`)).toEqual([
      [2, 6],
    ]);
  });
});

describe("a SQLite file", () => {
  it("that is damaged is refused with its name", async () => {
    const damaged = Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(2000, 7)]);
    await expect(withFile(damaged, (file) => listVectors(file, RUN, UNLIMITED))).rejects.toThrow(
      "cannot read the SQLite file a.vec",
    );
  });

  it("without the run has no vectors", async () => {
    await using at = await opened(fixture("sqlite.vec"));
    const other = { ...RUN, runNumber: 1 };
    expect(await listVectors(at.file, other, UNLIMITED)).toMatchObject({ vectors: [] });
    await expect(readVector(at.file, other, 1, 9, UNLIMITED)).rejects.toThrow("the run has no vector 1");
  });
});

describe("the reading of a vector file", () => {
  const long = `${HEAD}vector 0 Net a TV\n${"0\t1\t5\n".repeat(500_000)}`; // three chunks

  it("can be cancelled, and reports how far it is", async () => {
    const cancelled = new AbortController();
    const seen: [number, number][] = [];
    const control = {
      ...UNLIMITED,
      signal: cancelled.signal,
      onProgress(done: number, of: number) {
        seen.push([done, of]);
        cancelled.abort();
      },
    };
    await expect(withFile(long, (file) => readVector(file, RUN, 0, 9, control))).rejects.toThrow("aborted");
    expect(seen).toEqual([[1 << 20, long.length]]);
    await using at = await opened(fixture("sqlite.vec"));
    await expect(readVector(at.file, RUN, 1, 9, control)).rejects.toThrow("aborted");
  });

  it("ends in time, with what it has read", async () => {
    let isTimeUp = false;
    const control = { ...UNLIMITED, isTimeUp: () => isTimeUp, onProgress: () => (isTimeUp = true) };
    const { readPart, count } = await withFile(long, (file) => readVector(file, RUN, 0, 9, control));
    expect(readPart).toBeCloseTo((1 << 20) / long.length, 10);
    expect(count).toBeGreaterThan(100_000);
    expect(count).toBeLessThan(500_000);
    const late = { ...UNLIMITED, isTimeUp: () => true };
    expect((await withFile(long, (file) => listVectors(file, RUN, late))).isPartial).toBe(true);
  });
});
