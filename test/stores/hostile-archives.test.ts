import { createHash } from "node:crypto";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { ResultFileSchema, type ResultFile, type StoredFile } from "../../src/model/result.ts";
import { compressor, decompressor, type Compression } from "../../src/stores/compression.ts";
import { DamagedArchive } from "../../src/stores/store.ts";
import { tarOf } from "../../src/stores/tar.ts";
import { untar } from "../../src/stores/untar.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { MUTATIONS, mutate, zeros, type Mutation } from "./mutations.ts";

const CASES = 500;
const SEED = Number(process.env["SEED"] ?? 14_003);
/** Usually a case takes 5 ms. */
const LIMIT_MS = 20_000;
const MEMORY_BYTES = 300e6;

/** A result as a run leaves it. */
const FILES: Readonly<Record<string, string>> = {
  "results/A-#0.sca": "version 3\nscalar a b 1\n".repeat(20),
  "results/A-#0.vec": "0\t1\t0.5\t7\n".repeat(300),
  "results/deep/er/Ünï çødé 中.txt": "some text",
  "results/empty": "",
  [`results/${"x".repeat(120)}/${"y".repeat(130)}`]: "a long name",
  "log.txt": "x".repeat(512),
};
const LINKS: Readonly<Record<string, string>> = { "results/link": "A-#0.sca", "results/up": "../log.txt" };

interface Valid {
  tar: Buffer;
  files: StoredFile[];
}

async function validArchive(): Promise<Valid> {
  await using directory = await temporaryDirectory();
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(path.join(directory.path, path.dirname(name)), { recursive: true });
    await writeFile(path.join(directory.path, name), content);
  }
  for (const [name, target] of Object.entries(LINKS)) await symlink(target, path.join(directory.path, name));
  const files: StoredFile[] = [];
  const names = [...Object.keys(FILES), ...Object.keys(LINKS)];
  const pieces: Buffer[] = [];
  for await (const piece of tarOf(directory.path, names, (file) => files.push(file)))
    pieces.push(Buffer.from(piece));
  return { tar: Buffer.concat(pieces), files };
}

async function* inPieces(whole: Buffer, size: number): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

async function compress(compression: Compression, tar: Buffer): Promise<Buffer> {
  const { compression: usual, pack } = compressor(tar.length);
  if (compression !== usual) return compression === "gzip" ? zlib.gzipSync(tar) : tar;
  const packed: Buffer[] = [];
  for await (const piece of pack(inPieces(tar, 10_000))) packed.push(piece);
  return Buffer.concat(packed);
}

/** Everything below a folder, with the content of files and the targets of links. */
function contentsOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    const name = path.relative(folder, file);
    found.set(name, entry.isSymbolicLink() ? `→ ${readlinkSync(file)}` : readFileSync(file, "utf8"));
  }
  return found;
}

const VALID_CONTENTS = new Map<string, string>([
  ...Object.entries(FILES),
  ...Object.entries(LINKS).map(([name, target]): [string, string] => [name, `→ ${target}`]),
]);

/** Unpacks an archive in a separate folder, whose neighbours must not change. @returns whether the archive is intact. */
async function unpack(
  packed: Buffer,
  compression: Compression,
  files: readonly ResultFile[],
): Promise<boolean> {
  await using cage = await temporaryDirectory();
  const inside = path.join(cage.path, "a/b/inside");
  await mkdir(inside, { recursive: true });
  await writeFile(path.join(cage.path, "a/neighbour"), "untouched");
  const outcome = untar(decompressor(compression)(inPieces(packed, 7_000)), inside, files).then(
    () => "unpacked",
    (error: unknown) => error,
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve("hangs"), LIMIT_MS)));
  const result = await Promise.race([outcome, late]);
  clearTimeout(timer);
  expect(readdirSync(cage.path)).toEqual(["a"]);
  expect(readdirSync(path.join(cage.path, "a")).sort()).toEqual(["b", "neighbour"]);
  expect(readdirSync(path.join(cage.path, "a/b"))).toEqual(["inside"]);
  expect(readFileSync(path.join(cage.path, "a/neighbour"), "utf8")).toBe("untouched");
  for (const [name, content] of contentsOf(inside)) {
    if (!content.startsWith("→ ")) continue;
    const target = path.resolve(inside, path.dirname(name), content.slice(2));
    expect(path.relative(inside, target).startsWith("..")).toBe(false);
  }
  if (result !== "unpacked") {
    expect(result).toBeInstanceOf(DamagedArchive);
    return false;
  }
  const found = contentsOf(inside);
  expect([...found.keys()].sort()).toEqual(files.map((file) => path.normalize(file.path)).sort());
  for (const { path: name, sizeBytes, sha256 } of files) {
    const content = (found.get(path.normalize(name)) ?? "").replace(/^→ /, "");
    expect(Buffer.byteLength(content)).toBe(sizeBytes);
    if (sha256 !== undefined) expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
  }
  return true;
}

describe("a hostile archive or answer", () => {
  it("is created from a valid one, which unpacks", async () => {
    const { tar, files } = await validArchive();
    expect(files).toHaveLength(VALID_CONTENTS.size);
    for (const compression of ["gzip", compressor(tar.length).compression] as const)
      expect(await unpack(await compress(compression, tar), compression, files)).toBe(true);
  });

  it(`is unpacked correctly or reported as damaged: ${CASES} cases of seed ${SEED}`, async () => {
    const valid = await validArchive();
    const before = process.memoryUsage().rss;
    const cases = fc.record({
      mutations: fc.array(
        fc.record({ kind: fc.constantFrom(...MUTATIONS), at: fc.nat(1_000_000), value: fc.nat(1_000_000) }),
        { minLength: 1, maxLength: 3 },
      ),
      compression: fc.constantFrom<Compression>("gzip", compressor(valid.tar.length).compression),
      compressedToo: fc.oneof(
        { weight: 9, arbitrary: fc.constant(null) },
        {
          weight: 1,
          arbitrary: fc.record({ at: fc.nat(1_000_000), value: fc.integer({ min: 1, max: 255 }) }),
        },
      ),
    });
    const seen = new Set<Mutation["kind"]>();
    let unpacked = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ mutations, compression, compressedToo }) => {
        let { tar, files }: { tar: Buffer; files: ResultFile[] } = { ...valid, tar: Buffer.from(valid.tar) };
        for (const mutation of mutations) {
          ({ tar, files } = mutate(tar, files, mutation));
          seen.add(mutation.kind);
        }
        const packed = await compress(compression, tar);
        if (compressedToo !== null && packed.length > 0)
          packed[compressedToo.at % packed.length]! ^= compressedToo.value;
        if (await unpack(packed, compression, files)) unpacked++;
      }),
      { seed: SEED, numRuns: CASES, endOnFailure: false },
    );
    expect(unpacked).toBeGreaterThan(CASES / 50); // a harmless mutation is not damage
    expect(unpacked).toBeLessThan(CASES / 2);
    expect([...seen].sort()).toEqual([...MUTATIONS].sort());
    expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES);
  });

  it("is refused if a size or hash is invalid", () => {
    const file = { path: "a", sizeBytes: 1, sha256: "0".repeat(64) };
    expect(v.is(ResultFileSchema, file)).toBe(true);
    for (const sizeBytes of [-1, 1.5, NaN, Infinity, "1", null, 2 ** 53])
      expect([sizeBytes, v.is(ResultFileSchema, { ...file, sizeBytes })]).toEqual([sizeBytes, false]);
  });
});

describe("an archive that unpacks to far more than its size", () => {
  const name = "results/zeros";

  it.each<[string, number, RegExp]>([
    ["of the size that the answer names, but other content", 200e6, /content of .* has changed/],
    ["of another size", 2e9, /instead of/],
  ])("is refused %s", async (_, size, message) => {
    await using directory = await temporaryDirectory();
    const source = Readable.from(zeros(name, size)).pipe(zlib.createGzip({ level: 1 }));
    const before = process.memoryUsage().rss;
    let highest = before;
    const watched = (async function* () {
      for await (const piece of decompressor("gzip")(source)) {
        highest = Math.max(highest, process.memoryUsage().rss);
        yield piece;
      }
    })();
    const files = [{ path: name, sizeBytes: 200e6, sha256: "0".repeat(64) }];
    const unpacking = untar(watched, directory.path, files);
    await expect(unpacking).rejects.toThrow(message);
    await expect(unpacking).rejects.toBeInstanceOf(DamagedArchive);
    expect(highest - before).toBeLessThan(MEMORY_BYTES);
  });
});
