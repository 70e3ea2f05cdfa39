import fc from "fast-check";
import { open, writeFile, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseQuery, termText, type Operator } from "../../src/dashboard/page/runs/query.ts";
import { UserError } from "../../src/errors.ts";
import { parseRanges, rangesOf } from "../../src/model/whole-number.ts";
import type { ReadControl } from "../../src/omnetpp/byte-lines.ts";
import { listHistograms, readHistogram } from "../../src/omnetpp/histogram-file.ts";
import { listVectors, readVector } from "../../src/omnetpp/vector-file.ts";
import {
  decodeHeader,
  decodeItems,
  encodeEntry,
  encodeItems,
  HEADER_BYTES,
} from "../../src/stores/value-index-format.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { always, answers, repeated, SEED, textWith } from "./outside.ts";

const RUN = { config: "A", runNumber: 0 };
const CONTROL: ReadControl = { signal: new AbortController().signal, isTimeUp: () => false };
const FILES = 150;
const MOST_POINTS = 8;

/** Checks a property of reading files with any of some contents. */
async function expectOfFiles(
  contents: fc.Arbitrary<string[]>,
  check: (handles: FileHandle[]) => Promise<void>,
): Promise<void> {
  await using directory = await temporaryDirectory("properties-");
  await fc.assert(
    fc.asyncProperty(contents, async (texts) => {
      const handles = await Promise.all(
        texts.map(async (text, index) => {
          const file = path.join(directory.path, `${index}`);
          await writeFile(file, text);
          return await open(file);
        }),
      );
      try {
        await check(handles);
      } finally {
        await Promise.all(handles.map((handle) => handle.close()));
      }
    }),
    { seed: SEED, numRuns: FILES },
  );
}

/** Returns what is read, or undefined if it is refused with a message. */
async function read<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

const HEAD = [
  "version 3\n",
  "run A-0-x\n",
  "attr configname A\n",
  "attr runnumber 0\n",
  "attr runnumber 1\n",
];
const VECTOR_LINES = [
  ...HEAD,
  "vector 0 N v TV\n",
  "vector 1 N w ETV\n",
  "vector 99999999999999999999 N w TV\n",
  "vector 0 N v VV\n",
  "attr unit s\n",
  "0\t1.5\t2\n",
  "0\t1e308\t-1e308\n",
  "1\t7\t1\tnan\n",
  "0\t-inf\t5\n",
];
const INDEX_LINES = [
  ...HEAD,
  "file 9 1\n",
  "file 60 1\n",
  "vector 0 N v TV\n",
  "0\t0\t9 1 1 1 1 2 1 1 1 1\n",
];
const HISTOGRAM_LINES = [
  ...HEAD,
  "statistic N s\n",
  "field count 3\n",
  "field mean nan\n",
  "attr unit s\n",
  "bin\t-inf\t0\n",
  "bin\t0\t1\n",
  "bin\t1\t2\n",
  "bin\t1e999\t2\n",
  "scalar N a 1\n",
];

describe("vector files", () => {
  it("and their indexes are read, whatever they contain, into a bounded number of points", async () => {
    const contents = fc.tuple(textWith(...VECTOR_LINES), textWith(...INDEX_LINES), fc.boolean());
    await expectOfFiles(
      contents.map(([data, index, hasIndex]) => (hasIndex ? [data, index] : [data])),
      async ([data, index]) => {
        const file = { name: "a.vec", data: data!, index };
        for (const { id } of (await read(listVectors(file, RUN, CONTROL)))?.vectors ?? []) {
          const series = await read(readVector(file, RUN, id, MOST_POINTS, CONTROL));
          if (series === undefined) continue;
          expect(series.points.length).toBeLessThanOrEqual(MOST_POINTS);
          expect(series.points.flat().every(Number.isFinite)).toBe(true);
          expect(series.points.length).toBeLessThanOrEqual(series.count - series.notFinite);
        }
      },
    );
  });
});

describe("histograms of scalar files", () => {
  it("are read, whatever the file contains, with edges in order", async () => {
    await expectOfFiles(
      textWith(...HISTOGRAM_LINES).map((text) => [text]),
      async ([handle]) => {
        const file = { handle: handle!, name: "a.sca" };
        for (const wanted of (await listHistograms(file, RUN, CONTROL)).histograms) {
          const histogram = await read(readHistogram(file, RUN, wanted, CONTROL));
          if (histogram === undefined) continue;
          const { edges, values } = histogram;
          expect(edges).toHaveLength(values.length + 1);
          expect(edges).toEqual([...edges].sort((a, b) => a - b));
        }
      },
    );
  });
});

describe("the query of the table of runs", () => {
  const FIELDS = new Set(["state", "error", "$numHosts", "delay:mean", "__proto__", "a b"]);

  it("is parsed, whatever it contains, soon, and its conditions are where they say", () => {
    const pieces = ["state:", "numHosts>=", "delay:mean", "-", '"', "\\", ",", "a b=", "!=", "__proto__:"];
    always(textWith(...pieces), (text) => {
      for (const { start, end, values, field } of answers(() => parseQuery(text, FIELDS))!.terms) {
        expect(start).toBeLessThan(end);
        expect(end).toBeLessThanOrEqual(text.length);
        expect(field === undefined || FIELDS.has(field)).toBe(true);
        expect(values.join("").length).toBeLessThanOrEqual(end - start);
      }
    });
    always(repeated(20_000, ...pieces), (text) => answers(() => parseQuery(text, FIELDS)), 30);
  });

  it("has the condition that was written", () => {
    const operators = fc.constantFrom<Operator>(":", "=", "!=", "<=", ">=", "<", ">");
    const values = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 9 }), {
      minLength: 1,
      maxLength: 3,
    });
    always(
      fc.tuple(fc.constantFrom("state", "$numHosts", "delay:mean"), operators, values),
      ([field, operator, all]) => {
        const { terms, problems } = parseQuery(termText(field, operator, ...all), FIELDS);
        expect(problems).toEqual([]);
        expect(terms).toMatchObject([{ field, operator, values: all, isNegated: false }]);
      },
    );
  });
});

describe("ranges of run numbers", () => {
  it("are the numbers that were written", () => {
    always(fc.uniqueArray(fc.nat(60), { minLength: 1 }), (numbers) =>
      expect(parseRanges(rangesOf(numbers), 100)).toEqual([...numbers].sort((a, b) => a - b)),
    );
  });

  it("are at most as many as allowed, whatever the text", () => {
    const text = textWith("..", ",", "0", "9", "0..9", "9007199254740991", "0..9007199254740991");
    always(text, (ranges) => {
      const numbers = answers(() => parseRanges(ranges, 50));
      expect(numbers?.length ?? 0).toBeLessThanOrEqual(50);
    });
  });
});

describe("the index of recorded values", () => {
  const name = fc.string({ unit: "binary", maxLength: 9 });
  const kind = fc.constantFrom("scalar" as const, "statistic" as const, "parameter" as const);
  const items = fc.array(fc.record({ module: name, name, unit: fc.option(name), kind }), { maxLength: 5 });
  const entries = fc.record({
    runNumber: fc.nat(),
    finishedAt: fc.double(),
    omitted: fc.nat(),
    list: fc.constantFrom("0123456789abcdef", "ffffffffffffffff"),
  });
  const values = fc.array(fc.double(), { maxLength: 9 }).map((all) => Float64Array.from(all));

  it("has the items and values that were written", () => {
    always(items, (all) => {
      const { list, line } = encodeItems(all);
      expect(decodeItems(line)).toEqual({ list, items: all });
    });
    always(fc.tuple(entries, values), ([run, numbers]) => {
      const entry = encodeEntry(run, numbers);
      const checksum = crc32(entry.subarray(HEADER_BYTES));
      expect(decodeHeader(entry)).toEqual({ ...run, count: numbers.length, checksum });
    });
  });

  it("has no entry whose header is damaged, and none in other content", () => {
    always(
      fc.tuple(entries, values, fc.nat(HEADER_BYTES - 5), fc.integer({ min: 1, max: 255 })),
      ([run, numbers, at, change]) => {
        const entry = encodeEntry(run, numbers);
        entry[at]! ^= change;
        expect(answers(() => decodeHeader(entry))).toBeUndefined();
      },
    );
    always(fc.uint8Array({ maxLength: 100 }), (bytes) =>
      expect(answers(() => decodeHeader(Buffer.from(bytes)))).toBeUndefined(),
    );
    always(textWith('{"list":"', '","items":[', '["a","b",null,"scalar"]', "]}"), (line) =>
      answers(() => decodeItems(line)),
    );
  });
});
