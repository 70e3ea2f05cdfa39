import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { StoredFile } from "../../src/model/result.ts";
import { pack, unpack, type Packing } from "../../src/stores/archive-content.ts";
import { DamagedArchive } from "../../src/stores/store.ts";
import { describeWithService } from "../helpers/services.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const LARGE_BYTES = 5_000_001;
const SEED = Number(process.env["SEED"] ?? 14_021);
const hash = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

interface Archive {
  packing: Packing;
  files: StoredFile[];
  content: Buffer;
}

/** A result with two large files, one of them executable, a small one and a link. */
async function makeTree(tree: string): Promise<string[]> {
  await mkdir(path.join(tree, "results"), { recursive: true });
  await writeFile(path.join(tree, "results/a.vec"), "0\t1\t0.5\n".repeat(LARGE_BYTES / 8));
  await writeFile(path.join(tree, "results/a.sca"), "version 3\n");
  await writeFile(path.join(tree, "b.bin"), randomBytes(LARGE_BYTES), { mode: 0o755 });
  await symlink("results/a.vec", path.join(tree, "link"));
  await utimes(path.join(tree, "results/a.vec"), 1_700_000_000.123, 1_700_000_000.123);
  return ["link", "results/a.vec", "results/a.sca", "b.bin"];
}

async function packed(tree: string, files: readonly string[]): Promise<Archive> {
  const archive = await pack(tree, files);
  const pieces: Buffer[] = [];
  for await (const piece of archive.content) pieces.push(Buffer.from(piece));
  return { packing: archive.packing, files: archive.files(), content: Buffer.concat(pieces) };
}

async function madeArchive(): Promise<Archive> {
  await using directory = await temporaryDirectory();
  return await packed(directory.path, await makeTree(directory.path));
}

/** @param pauseMs as if each piece came from the network. */
async function* inPieces(whole: Buffer, pauseMs?: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += 100_000) {
    await (pauseMs === undefined ? Promise.resolve() : delay(pauseMs));
    yield whole.subarray(at, at + 100_000);
  }
}

const unpacked = (archive: Archive, directory: string, pauseMs?: number): Promise<void> =>
  unpack(archive.packing, inPieces(archive.content, pauseMs), directory, archive.files);

describeWithService("zstd", "an archive with large files", () => {
  it("returns them with hashes, permissions and times, and names them in the order given", async () => {
    await using directory = await temporaryDirectory();
    const [tree, out] = ["tree", "out"].map((name) => path.join(directory.path, name)) as [string, string];
    const names = await makeTree(tree);
    const archive = await packed(tree, names);
    expect(archive.files.map((file) => file.path)).toEqual(names);
    expect(archive.packing.alone.map((file) => file.path)).toEqual(["results/a.vec", "b.bin"]);
    await mkdir(out);
    await unpacked(archive, out);
    for (const { path: name, sha256, sizeBytes } of archive.files.filter((file) => file.path !== "link")) {
      const content = await readFile(path.join(out, name));
      expect(content.equals(await readFile(path.join(tree, name)))).toBe(true);
      expect([hash(content), content.length]).toEqual([sha256, sizeBytes]);
      const [before, after] = [await lstat(path.join(tree, name)), await lstat(path.join(out, name))];
      expect(after.mode).toBe(before.mode);
      expect(Math.abs(after.mtimeMs - before.mtimeMs)).toBeLessThanOrEqual(1);
    }
    expect(await readlink(path.join(out, "link"))).toBe("results/a.vec");
  });

  it("is unpacked also where no program unpacks zstd", async () => {
    const archive = await madeArchive();
    await using out = await temporaryDirectory();
    const program = process.env["PATH"];
    process.env["PATH"] = "";
    try {
      await unpacked(archive, out.path);
    } finally {
      process.env["PATH"] = program;
    }
    for (const { path: name, sha256 } of archive.files.slice(1))
      expect(hash(await readFile(path.join(out.path, name)))).toBe(sha256);
  });

  it("is packed as one tar archive where no program packs zstd", async () => {
    await using directory = await temporaryDirectory();
    const names = await makeTree(directory.path);
    const program = process.env["PATH"];
    process.env["PATH"] = "";
    const archive = await packed(directory.path, names).finally(() => (process.env["PATH"] = program));
    expect(archive.packing.alone).toEqual([]);
    await using out = await temporaryDirectory();
    await unpacked(archive, out.path);
    expect((await readdir(out.path)).sort()).toEqual(["b.bin", "link", "results"]);
  });
});

describeWithService("zstd", "a damaged archive with large files", () => {
  const damages: [string, (archive: Archive) => void, RegExp][] = [
    ["cut", (archive) => (archive.content = archive.content.subarray(0, 1000)), /truncated/],
    [
      "cut after the large files",
      (archive) => {
        const { alone } = archive.packing;
        const bytes = alone.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
        archive.content = archive.content.subarray(0, bytes);
      },
      /truncated|unexpected end/i,
    ],
    ["a changed byte", (archive) => (archive.content[2000]! ^= 1), /cannot unpack it|has changed/],
    ["a shorter part", (archive) => (archive.packing.alone[0]!.packedBytes -= 1), /cannot unpack it/],
    ["another hash", (archive) => (archive.files[1]!.sha256 = "0".repeat(64)), /content of .* has changed/],
    ["a file more", (archive) => archive.packing.alone.push(archive.packing.alone[0]!), /not allowed/],
    ["a file less", (archive) => archive.packing.alone.pop(), /cannot unpack it|missing/],
    ["more bytes than expected", (archive) => (archive.files[1]!.sizeBytes = 10), /cannot unpack it|instead/],
    ["fewer bytes than expected", (archive) => (archive.files[1]!.sizeBytes += 1), /instead of/],
    ["a name that leads out", rename("../../evil"), /outside/],
    ["an absolute name", rename("/tmp/evil"), /outside/],
    ["a name that is too long", rename("x".repeat(300)), /ENAMETOOLONG/],
    ["the name of a folder", rename("results/a.sca/x"), /EEXIST|ENOTDIR|EISDIR/],
    ["a name through a link", rename("link/x"), /EEXIST|ENOTDIR/],
  ];

  function rename(name: string): (archive: Archive) => void {
    return ({ packing, files }) => {
      packing.alone[0]!.path = name;
      files[1]!.path = name;
    };
  }

  it.each(damages)("is refused: %s", async (_, damage, message) => {
    const archive = await madeArchive();
    damage(archive);
    await using cage = await temporaryDirectory();
    const inside = path.join(cage.path, "a/inside");
    await mkdir(inside, { recursive: true });
    const unpacking = unpacked(archive, inside);
    await expect(unpacking).rejects.toThrow(message);
    await expect(unpacking).rejects.toBeInstanceOf(DamagedArchive);
    expect([await readdir(cage.path), await readdir(path.join(cage.path, "a"))]).toEqual([["a"], ["inside"]]);
  });

  it("is unpacked correctly or refused, whichever bytes are changed", async () => {
    const archive = await madeArchive();
    const bytes = fc.array(fc.tuple(fc.nat(archive.content.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(bytes, async (changes) => {
        const content = Buffer.from(archive.content);
        for (const [at, value] of changes) content[at]! ^= value;
        await using out = await temporaryDirectory();
        const outcome: unknown = await unpacked({ ...archive, content }, out.path).catch((e: unknown) => e);
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(DamagedArchive);
        else
          for (const { path: name, sha256 } of archive.files.slice(1))
            expect(hash(await readFile(path.join(out.path, name)))).toBe(sha256);
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it("does not fill the disk with far more than a file is expected to have", async () => {
    await using directory = await temporaryDirectory();
    await writeFile(path.join(directory.path, "zeros"), Buffer.alloc(200e6));
    const archive = await packed(directory.path, ["zeros"]);
    archive.files[0]!.sizeBytes = 5e6;
    await using out = await temporaryDirectory();
    await expect(unpacked(archive, out.path)).rejects.toBeInstanceOf(DamagedArchive);
    expect((await lstat(path.join(out.path, "zeros"))).size).toBeLessThan(11e6);
  });

  it("is recognized also if its data arrive slowly", async () => {
    const archive = await madeArchive();
    archive.content.fill(7, 0, 200_000);
    await using out = await temporaryDirectory();
    await expect(unpacked(archive, out.path, 5)).rejects.toBeInstanceOf(DamagedArchive);
  });

  for (const pauseMs of [undefined, 5]) {
    it(`is not what a full disk is taken for, with pauses of ${pauseMs ?? 0} ms`, async (context) => {
      await using directory = await temporaryDirectory();
      using _disk = await smallDisk(path.join(directory.path, "disk"), 2048, context);
      const unpacking = unpacked(await madeArchive(), path.join(directory.path, "disk"), pauseMs);
      await expect(unpacking).rejects.toMatchObject({ code: "ENOSPC" });
    });
  }

  it("is not what a zstd is taken for that cannot be executed", async () => {
    const archive = await madeArchive();
    await using directory = await temporaryDirectory();
    await writeFile(path.join(directory.path, "zstd"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
    const program = process.env["PATH"];
    process.env["PATH"] = `${directory.path}${path.delimiter}${program ?? ""}`;
    const out = path.join(directory.path, "out");
    await mkdir(out);
    const unpacking = unpacked(archive, out).finally(() => (process.env["PATH"] = program));
    await expect(unpacking).rejects.toThrow("zstd cannot be started");
    await expect(unpacking).rejects.not.toBeInstanceOf(DamagedArchive);
  });
});
