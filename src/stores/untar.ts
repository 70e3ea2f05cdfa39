import { createHash } from "node:crypto";
import { lutimes, mkdir, open, symlink, utimes } from "node:fs/promises";
import path from "node:path";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import { errorCode, errorText } from "../errors.ts";
import { sha256 } from "../short-hash.ts";
import type { ResultFile } from "../model/result.ts";
import { isInside } from "../system/paths.ts";
import { BlockReader } from "./block-reader.ts";
import { DamagedArchive } from "./store.ts";
import { BLOCK, isSafeLink } from "./tar.ts";

/** A decompressor yields small pieces, and writing each takes longer than copying it. */
const WRITE_BYTES = 1 << 20;
/** Largest extended header to accept, in bytes: more than any file name needs. */
const LONGEST_HEADER = 64 * 1024;

interface Link {
  place: string;
  target: string;
  mtime: Date;
}

/**
 * Unpacks a tar archive into an empty directory. It must contain exactly the expected regular files and links, with their
 * names, sizes and hashes. Links are created last, so that nothing is written through a link.
 * @throws {DamagedArchive} if it contains anything else; the caller removes what has been unpacked.
 */
export async function untar(
  archive: AsyncIterable<Buffer>,
  directory: string,
  expected: readonly ResultFile[],
): Promise<void> {
  const reader = new BlockReader(archive);
  try {
    await unpackEntries(reader, directory, expected);
  } catch (error) {
    throw asDamage(error);
  } finally {
    await reader.close();
  }
}

/** Errors from names that are too long, contain a null character, or name the same path as a file and a folder. */
const NAMES_REFUSED: ReadonlySet<string> = new Set([
  ...["EEXIST", "EISDIR", "EINVAL", "ELOOP", "ENAMETOOLONG", "ENOTDIR", "ERR_INVALID_ARG_VALUE"],
]);

/** Returns the error to throw for one of unpacking: damage, if the system refuses a name in the archive. */
export function asDamage(error: unknown): unknown {
  if (!NAMES_REFUSED.has(errorCode(error) ?? "")) return error;
  return new DamagedArchive(`cannot unpack it: ${errorText(error)}`, { cause: error });
}

/** Returns the error for a file that an archive must not contain. */
export function notAllowed(name: string): DamagedArchive {
  return new DamagedArchive(`it contains ${JSON.stringify(name)}, which is not allowed`);
}

async function unpackEntries(
  reader: BlockReader,
  directory: string,
  expected: readonly ResultFile[],
): Promise<void> {
  const wanted = new Map(expected.map((file) => [file.path, file]));
  const links: Link[] = [];
  for (let entry = await nextEntry(reader); entry !== undefined; entry = await nextEntry(reader)) {
    const { path: name, linkpath, size = 0 } = entry;
    const mtime = timeOf(entry);
    const known = wanted.get(name);
    if (known === undefined) throw notAllowed(name);
    wanted.delete(name);
    const place = safePlace(directory, name);
    await mkdir(path.dirname(place), { recursive: true });
    if (entry.type === "SymbolicLink") {
      if (linkpath === undefined || !isSafeLink(name, linkpath))
        throw new DamagedArchive(`the link ${name} leads out of its directory`);
      check(known, Buffer.byteLength(linkpath), sha256(linkpath));
      links.push({ place, target: linkpath, mtime });
    } else {
      if (size !== known.sizeBytes) check(known, size, undefined);
      check(known, size, await writeFrom(reader, place, size, (entry.mode ?? 0o644) & 0o777));
      await utimes(place, mtime, mtime);
    }
  }
  const [missing] = wanted.keys();
  if (missing !== undefined) throw new DamagedArchive(`${missing} is missing from it`);
  for (const { place, target, mtime } of links) {
    await symlink(target, place);
    await lutimes(place, mtime, mtime);
  }
}

type EntryHeader = Pick<Pax, "path" | "linkpath" | "mtime" | "size" | "mode"> & {
  type: string;
  path: string;
};

/** Returns the header of the next file, or undefined at the end of the archive. */
async function nextEntry(reader: BlockReader): Promise<EntryHeader | undefined> {
  let extended: Pax | undefined;
  for (;;) {
    const block = await reader.read(BLOCK);
    if (block.every((byte) => byte === 0)) return undefined;
    const header = parseHeader(block);
    const { type } = header;
    if (type === "ExtendedHeader") {
      if (extended !== undefined) throw new DamagedArchive("it has two headers for one file");
      extended = await readExtended(reader, header.size ?? 0);
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

async function readExtended(reader: BlockReader, length: number): Promise<Pax> {
  if (length > LONGEST_HEADER) throw new DamagedArchive("it has a header of an impossible size");
  return Pax.parse((await reader.read(padded(length))).subarray(0, length).toString("utf8"));
}

/** Parses a header block. @throws {DamagedArchive} if it is invalid, or has a number that JavaScript cannot represent. */
function parseHeader(block: Buffer): Header {
  let header: Header;
  try {
    header = new Header(block);
  } catch (error) {
    throw new DamagedArchive(`a header in it cannot be read: ${errorText(error)}`, { cause: error });
  }
  if (!header.cksumValid) throw new DamagedArchive("a checksum in it is wrong");
  return header;
}

/** Returns the modification time; the epoch if it is missing or invalid. */
function timeOf({ mtime }: EntryHeader): Date {
  return mtime === undefined || Number.isNaN(+mtime) ? new Date(0) : mtime;
}

/** Returns the place of a file in a directory. @throws {DamagedArchive} if it is outside. */
export function safePlace(directory: string, name: string): string {
  const place = path.resolve(directory, name);
  if (path.isAbsolute(name) || place === directory || !isInside(directory, place))
    throw new DamagedArchive(`${name} in it is outside its directory`);
  return place;
}

/** Compares size and hash of a file with the expected ones. @throws {DamagedArchive} if they differ. */
export function check(known: ResultFile, sizeBytes: number, sha256: string | undefined): void {
  if (sizeBytes !== known.sizeBytes)
    throw new DamagedArchive(`${known.path} in it has ${sizeBytes} instead of ${known.sizeBytes} bytes`);
  if (known.sha256 !== undefined && known.sha256 !== sha256)
    throw new DamagedArchive(`the content of ${known.path} has changed`);
}

/** Writes a file's content from an archive. @returns its SHA-256. */
async function writeFrom(reader: BlockReader, place: string, size: number, mode: number): Promise<string> {
  await using handle = await open(place, "wx", mode);
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(WRITE_BYTES, size));
  for (let left = size; left > 0;) {
    const piece = await reader.fill(buffer.subarray(0, Math.min(WRITE_BYTES, left)));
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
