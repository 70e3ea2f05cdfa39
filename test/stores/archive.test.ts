import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { Header, type HeaderData } from "tar/header";
import { describe, expect, it } from "vitest";
import type { ResultFile, StoredFile } from "../../src/model/result.ts";
import { compressor, decompressor } from "../../src/stores/compression.ts";
import { DamagedArchive } from "../../src/stores/store.ts";
import { isSafeLink, tarOf } from "../../src/stores/tar.ts";
import { untar } from "../../src/stores/untar.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** An archive as somebody else could have created it. */
function entry(data: HeaderData, content = ""): Buffer {
  const header = new Header({ mode: 0o644, size: content.length, mtime: new Date(0), ...data });
  header.encode();
  return Buffer.concat([
    header.block!,
    Buffer.from(content),
    Buffer.alloc((512 - (content.length % 512)) % 512),
  ]);
}

async function* pieces(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield* buffers;
}

const END = Buffer.alloc(1024);
const FILE: ResultFile = { path: "a.sca", sizeBytes: 3, sha256: sha256("abc") };

describe("unpacking refuses", () => {
  it.each<[string, ResultFile[], Buffer[], RegExp]>([
    [
      "what is not expected",
      [],
      [entry({ path: "a.sca", type: "File" }, "abc"), END],
      /contains "a.sca", which is not allowed/,
    ],
    [
      "a file that occurs twice",
      [FILE],
      [entry({ path: "a.sca", type: "File" }, "abc"), entry({ path: "a.sca", type: "File" }, "abc"), END],
      /is not allowed/,
    ],
    ["an archive without a file", [FILE], [END], /a.sca is missing/],
    ["another size", [FILE], [entry({ path: "a.sca", type: "File" }, "abcd"), END], /4 instead of 3 bytes/],
    [
      "other content",
      [FILE],
      [entry({ path: "a.sca", type: "File" }, "abd"), END],
      /content of a.sca has changed/,
    ],
    [
      "an absolute path",
      [{ ...FILE, path: "/tmp/evil" }],
      [entry({ path: "/tmp/evil", type: "File" }, "abc"), END],
      /outside/,
    ],
    [
      "a path that climbs out",
      [{ ...FILE, path: "../evil" }],
      [entry({ path: "../evil", type: "File" }, "abc"), END],
      /outside/,
    ],
    ["a device", [FILE], [entry({ path: "a.sca", type: "CharacterDevice" }), END], /is a CharacterDevice/],
    [
      "a hard link",
      [FILE],
      [entry({ path: "a.sca", type: "Link", linkpath: "/etc/passwd" }), END],
      /is a Link/,
    ],
    [
      "a link that leads out",
      [{ path: "l", sizeBytes: 11 }],
      [entry({ path: "l", type: "SymbolicLink", linkpath: "/etc/passwd" }), END],
      /leads out/,
    ],
    [
      "a link that climbs out",
      [{ path: "l", sizeBytes: 5 }],
      [entry({ path: "l", type: "SymbolicLink", linkpath: "../up" }), END],
      /leads out/,
    ],
    ["what has no checksum", [FILE], [Buffer.alloc(512, 1)], /checksum/],
    [
      "a header of many bytes",
      [FILE],
      [entry({ path: "x", type: "ExtendedHeader", size: 1 << 30 })],
      /impossible size/,
    ],
    [
      "an archive that is cut short",
      [FILE],
      [entry({ path: "a.sca", type: "File" }, "abc").subarray(0, 514)],
      /truncated/,
    ],
    ["one that ends between two files", [FILE], [], /truncated/],
  ])("%s", async (_, expected, archive, message) => {
    await using directory = await temporaryDirectory();
    const unpacking = untar(pieces(...archive), directory.path, expected);
    await expect(unpacking).rejects.toThrow(message);
    await expect(unpacking).rejects.toBeInstanceOf(DamagedArchive);
  });

  it("to continue reading when it has seen enough, and ends the stream", async () => {
    await using directory = await temporaryDirectory();
    let ended = false;
    const source = (async function* () {
      try {
        yield* pieces(entry({ path: "other", type: "File" }), END);
      } finally {
        ended = true;
      }
    })();
    await expect(untar(source, directory.path, [FILE])).rejects.toBeInstanceOf(DamagedArchive);
    expect(ended).toBe(true);
  });

  it("to write through a link: links are created when all files exist", async () => {
    await using directory = await temporaryDirectory();
    await mkdir(path.join(directory.path, "in"));
    const archive = [
      entry({ path: "d", type: "SymbolicLink", linkpath: "in" }),
      entry({ path: "d/a.sca", type: "File" }, "abc"),
      END,
    ];
    const expected = [
      { path: "d", sizeBytes: 2 },
      { ...FILE, path: "d/a.sca" },
    ];
    await expect(untar(pieces(...archive), directory.path, expected)).rejects.toThrow("EEXIST");
    expect(await readdir(path.join(directory.path, "in"))).toEqual([]);
  });
});

describe("packing refuses", () => {
  const pack = async (directory: TemporaryDirectory, file: string): Promise<void> => {
    for await (const _ of tarOf(directory.path, [file], () => undefined));
  };

  it("links that lead out of the working tree, and names that an archive cannot hold", async () => {
    await using directory = await temporaryDirectory();
    await symlink("/etc/passwd", path.join(directory.path, "link"));
    await expect(pack(directory, "link")).rejects.toThrow(
      "leads out of its working tree: link → /etc/passwd",
    );
    await expect(pack(directory, "two\nlines")).rejects.toThrow("line break");
  });

  it.each([
    ["a/b", "c", true],
    ["a/b", "../c", true],
    ["a/b", "../../c", false],
    ["a", "..", false],
    ["a", "/etc", false],
    ["a", "", false],
  ])("the link %s → %s unless it is safe: %s", (file, target, safe) =>
    expect(isSafeLink(file, target)).toBe(safe),
  );
});

describe("compression", () => {
  const SIZES = [0, 100, 5 << 20];

  it.each(SIZES)("returns %d bytes, and reports when they are truncated or changed", async (size) => {
    await using directory = await temporaryDirectory();
    const text = "0.123 456\n".repeat(size / 10);
    await writeFile(path.join(directory.path, "a.vec"), text);
    const files: StoredFile[] = [];
    const { compression, pack } = compressor(size);
    const packed: Buffer[] = [];
    for await (const piece of pack(tarOf(directory.path, ["a.vec"], (file) => files.push(file))))
      packed.push(piece);
    expect(files).toEqual([{ path: "a.vec", sizeBytes: size, sha256: sha256(text) }]);
    const whole = Buffer.concat(packed);
    const unpack = (archive: Buffer, name: string): Promise<void> =>
      mkdir(path.join(directory.path, name)).then(() =>
        untar(decompressor(compression)(pieces(archive)), path.join(directory.path, name), files),
      );
    await unpack(whole, "whole");
    await expect(unpack(whole.subarray(0, whole.length >> 1), "half")).rejects.toBeInstanceOf(DamagedArchive);
    whole[whole.length >> 1]! ^= 0xff;
    await expect(unpack(whole, "changed")).rejects.toBeInstanceOf(DamagedArchive);
  });

  it.each([0, 20 << 20])("returns large files, by the method for %d bytes", async (size) => {
    await using directory = await temporaryDirectory();
    const names = ["a.vec", "b.vec"];
    for (const name of names) await writeFile(path.join(directory.path, name), randomBytes(5_000_001));
    const files: StoredFile[] = [];
    const { compression, pack } = compressor(size);
    const out = path.join(directory.path, "out");
    await mkdir(out);
    const packed = pack(tarOf(directory.path, names, (file) => files.push(file)));
    const kept: Buffer[] = [];
    for await (const piece of packed) kept.push(piece);
    await untar(decompressor(compression)(pieces(...kept)), out, files);
    for (const name of names)
      expect(
        (await readFile(path.join(out, name))).equals(await readFile(path.join(directory.path, name))),
      ).toBe(true);
  });

  it("unpacks zstd also if neither Node.js nor a program supports it", async () => {
    const program = process.env["PATH"];
    process.env["PATH"] = "";
    try {
      const packed = Buffer.from("KLUv/QRI3QAAoGEgdmVjdG9yIG9mIG51bWJlcnMKAQASR00mu1jCUg==", "base64");
      const whole: Buffer[] = [];
      for await (const piece of decompressor("zstd")(pieces(packed))) whole.push(piece);
      expect(Buffer.concat(whole).toString()).toBe("a vector of numbers\n".repeat(8));
      const changed = decompressor("zstd")(
        pieces(Buffer.from("no zstd at all, but long enough for a header")),
      );
      await expect(changed[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(DamagedArchive);
    } finally {
      process.env["PATH"] = program;
    }
  });
});
