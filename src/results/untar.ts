import { createHash } from "node:crypto";
import { lutimes, mkdir, open, symlink, utimes } from "node:fs/promises";
import path from "node:path";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import type { ResultFile } from "../model/result.ts";
import { isInside } from "../system/paths.ts";
import { DamagedArchive } from "./store.ts";
import { BLOCK, isSafeLink } from "./tar.ts";

/** More than any name of a file needs. */
const LONGEST_HEADER = 64 * 1024;

interface Link {
  place: string;
  target: string;
  mtime: Date;
}

/**
 * Unpacks a tar archive into an empty directory. Only what is expected is taken: plain files and links of known
 * names, sizes and hashes, each once, none of them missing. Links are made last, so that nothing is ever written
 * through one.
 * @throws {DamagedArchive} for anything else; what has been unpacked until then stays for the caller to remove.
 */
export async function untar(
  archive: AsyncIterable<Buffer>,
  directory: string,
  expected: readonly ResultFile[],
): Promise<void> {
  const wanted = new Map(expected.map((file) => [file.path, file]));
  const reader = new BlockReader(archive);
  const links: Link[] = [];
  for (let entry = await nextEntry(reader); entry !== undefined; entry = await nextEntry(reader)) {
    const { path: name, linkpath, mtime = new Date(0), size = 0 } = entry;
    const known = wanted.get(name);
    if (known === undefined)
      throw new DamagedArchive(`it holds ${JSON.stringify(name)}, which it should not`);
    wanted.delete(name);
    const place = safePlace(directory, name);
    await mkdir(path.dirname(place), { recursive: true });
    if (entry.type === "SymbolicLink") {
      if (linkpath === undefined || !isSafeLink(name, linkpath))
        throw new DamagedArchive(`the link ${name} leads out of its directory`);
      check(known, Buffer.byteLength(linkpath), createHash("sha256").update(linkpath).digest("hex"));
      links.push({ place, target: linkpath, mtime });
    } else {
      if (size !== known.sizeBytes) check(known, size, undefined);
      check(known, size, await writeFrom(reader, place, size, (entry.mode ?? 0o644) & 0o777));
      await utimes(place, mtime, mtime);
    }
  }
  const [missing] = wanted.keys();
  if (missing !== undefined) throw new DamagedArchive(`${missing} is missing in it`);
  for (const { place, target, mtime } of links) {
    await symlink(target, place);
    await lutimes(place, mtime, mtime);
  }
}

type EntryHeader = Pick<Pax, "path" | "linkpath" | "mtime" | "size" | "mode"> & {
  type: string;
  path: string;
};

/** The header of the next file, or undefined at the end of the archive. */
async function nextEntry(reader: BlockReader): Promise<EntryHeader | undefined> {
  let extended: Pax | undefined;
  for (;;) {
    const block = await reader.read(BLOCK);
    if (block.every((byte) => byte === 0)) return undefined;
    const header = new Header(block);
    if (!header.cksumValid) throw new DamagedArchive("a checksum in it is wrong");
    const { type } = header;
    if (type === "ExtendedHeader") {
      if (extended !== undefined) throw new DamagedArchive("it has two headers for one file");
      const length = header.size ?? 0;
      if (length > LONGEST_HEADER) throw new DamagedArchive("it has a header of an impossible size");
      const text = (await reader.read(padded(length))).subarray(0, length).toString("utf8");
      extended = Pax.parse(text);
      continue;
    }
    if (type !== "File" && type !== "SymbolicLink")
      throw new DamagedArchive(`${header.path ?? "an entry"} in it is a ${type}`);
    const { mode } = header;
    const { path: name = header.path, linkpath = header.linkpath } = extended ?? {};
    const { size = header.size, mtime = header.mtime } = extended ?? {};
    return { type, path: name ?? "", mode, linkpath, size, mtime } as EntryHeader;
  }
}

function safePlace(directory: string, name: string): string {
  const place = path.resolve(directory, name);
  if (path.isAbsolute(name) || place === directory || !isInside(directory, place))
    throw new DamagedArchive(`${name} in it lies outside of its directory`);
  return place;
}

function check(known: ResultFile, sizeBytes: number, sha256: string | undefined): void {
  if (sizeBytes !== known.sizeBytes)
    throw new DamagedArchive(`${known.path} in it has ${sizeBytes} instead of ${known.sizeBytes} bytes`);
  if (known.sha256 !== undefined && known.sha256 !== sha256)
    throw new DamagedArchive(`the content of ${known.path} has changed`);
}

/** @returns the content's SHA-256. */
async function writeFrom(reader: BlockReader, place: string, size: number, mode: number): Promise<string> {
  await using handle = await open(place, "wx", mode);
  const hash = createHash("sha256");
  for (let left = size; left > 0;) {
    const piece = await reader.some(left);
    hash.update(piece);
    await handle.writeFile(piece);
    left -= piece.length;
  }
  await reader.read(padded(size) - size);
  return hash.digest("hex");
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Reads a stream in portions of the reader's choice. */
class BlockReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to so many bytes, at least one. */
  async some(limit: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done) throw new DamagedArchive("it is cut short");
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async read(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = length; left > 0;) {
      const piece = await this.some(left);
      pieces.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(pieces);
  }
}
