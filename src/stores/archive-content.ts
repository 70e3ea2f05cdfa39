import { lstat, mkdir, open } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import type { ResultFile, StoredFile } from "../model/result.ts";
import { hashOfOpen } from "../system/content-hash.ts";
import { BlockReader } from "./block-reader.ts";
import {
  COMPRESSIONS,
  compressor,
  decompressor,
  isPackedAlone,
  packFile,
  unpackFile,
} from "./compression.ts";
import { openPlain, refuseName, tarOf } from "./tar.ts";
import { asDamage, check, notAllowed, safePlace, untar } from "./untar.ts";

/** A large file in an archive, which is packed by itself. */
const AloneSchema = v.object({
  path: v.string(),
  mode: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777)),
  mtimeMs: v.pipe(v.number(), v.finite()),
  packedBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** How an archive was packed: first each large file by itself, with zstd, then a tar archive of all others. */
export const PackingSchema = v.object({
  alone: v.optional(v.array(AloneSchema), []),
  /** That of the tar archive. */
  compression: v.picklist(COMPRESSIONS),
});
export type Packing = v.InferOutput<typeof PackingSchema>;
type Alone = v.InferOutput<typeof AloneSchema>;

/** Files as one stream. `packing` and `files` are complete when `content` has been read. */
export interface Packed {
  packing: Packing;
  /** With size and hash, in the order in which they were given. */
  files: () => StoredFile[];
  /** A piece may be overwritten when the next one is requested. */
  content: AsyncIterable<Buffer>;
}

/**
 * Packs files.
 * @param files paths relative to `tree` of regular files and symbolic links.
 */
export async function pack(tree: string, files: readonly string[]): Promise<Packed> {
  const large: string[] = [];
  let otherBytes = 0;
  for (const file of files) {
    const stats = await lstat(path.join(tree, file));
    if (stats.isFile() && isPackedAlone(stats.size)) large.push(file);
    else otherBytes += stats.size;
  }
  const others = files.filter((file) => !large.includes(file));
  const { compression, pack: packTar } = compressor(otherBytes);
  const packing: Packing = { alone: [], compression };
  const packed = new Map<string, StoredFile>();
  const content = (async function* () {
    for (const file of large) packing.alone.push(yield* packAlone(tree, file, packed));
    yield* packTar(tarOf(tree, others, (file) => packed.set(file.path, file)));
  })();
  return { packing, files: () => files.map((file) => packed.get(file)!), content };
}

async function* packAlone(
  tree: string,
  file: string,
  packed: Map<string, StoredFile>,
): AsyncGenerator<Buffer, Alone> {
  refuseName(file);
  await using plain = await openPlain(file, path.join(tree, file));
  const content = (async function* () {
    packed.set(file, yield* plain.content());
  })();
  let packedBytes = 0;
  for await (const piece of packFile(content)) {
    packedBytes += piece.length;
    yield piece;
  }
  return { path: file, mode: plain.mode, mtimeMs: +plain.mtime, packedBytes };
}

/**
 * Unpacks files into an empty directory. The stream must contain exactly the expected files, with their names, sizes
 * and hashes. Links are created last, so that nothing is written through a link.
 * @throws {DamagedArchive} if it contains anything else; the caller removes what has been unpacked.
 */
export async function unpack(
  { alone, compression }: Packing,
  content: AsyncIterable<Buffer>,
  directory: string,
  expected: readonly ResultFile[],
): Promise<void> {
  const reader = new BlockReader(content);
  const others = new Map(expected.map((file) => [file.path, file]));
  try {
    for (const file of alone) {
      const known = others.get(file.path);
      if (known === undefined) throw notAllowed(file.path);
      others.delete(file.path);
      await unpackAlone(file, reader.take(file.packedBytes), directory, known);
    }
    await untar(decompressor(compression)(reader.rest()), directory, [...others.values()]);
  } catch (error) {
    throw asDamage(error);
  } finally {
    await reader.close();
  }
}

async function unpackAlone(
  { path: name, mode, mtimeMs }: Alone,
  content: AsyncIterable<Buffer>,
  directory: string,
  known: ResultFile,
): Promise<void> {
  const place = safePlace(directory, name);
  await mkdir(path.dirname(place), { recursive: true });
  await using handle = await open(place, "wx+", mode);
  await unpackFile(content, handle, known.sizeBytes);
  const { size } = await handle.stat();
  check(known, size, size === known.sizeBytes ? await hashOfOpen(handle) : undefined);
  await handle.utimes(mtimeMs / 1000, mtimeMs / 1000);
}
