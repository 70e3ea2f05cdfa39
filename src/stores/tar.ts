import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, readlink, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import { UserError } from "../errors.ts";
import { sha256 } from "../short-hash.ts";
import type { StoredFile } from "../model/result.ts";
import { isInside } from "../system/paths.ts";

/** Size of a tar file's blocks. */
export const BLOCK = 512;
/** Much more than any stream buffers: a stream asks for the next piece only after it has passed this one on. */
const PIECE = 1 << 20;
/** A process left running by a run may replace a file by a FIFO, which must not block, or a link, which is not followed. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * Yields files as a tar archive, piece by piece; a piece may be overwritten when the next one is requested. Each file has
 * an extended header of POSIX.1-2001 for long names and for the modification time in milliseconds, because an index file
 * (`.vci`) contains that of its vector file.
 * @param files paths relative to `tree` of regular files and symbolic links.
 * @param onPacked called with the size and hash of each file in the archive.
 * @throws {UserError} if a file could not be unpacked safely.
 */
export async function* tarOf(
  tree: string,
  files: readonly string[],
  onPacked: (file: StoredFile) => void,
): AsyncGenerator<Buffer> {
  for (const file of files) {
    refuseName(file);
    const place = path.join(tree, file);
    const stats = await lstat(place);
    if (stats.isSymbolicLink()) {
      const linkpath = await readlink(place);
      if (!isSafeLink(file, linkpath))
        throw new UserError(`the run left a link that leads out of its working tree: ${file} → ${linkpath}`);
      yield* header({ path: file, type: "SymbolicLink", linkpath, size: 0, mtime: timeOf(stats) });
      onPacked({ path: file, sizeBytes: Buffer.byteLength(linkpath), sha256: sha256(linkpath) });
    } else if (stats.isFile()) {
      await using plain = await openPlain(file, place);
      const { size, mode, mtime } = plain;
      yield* header({ path: file, type: "File", mode, size, mtime });
      onPacked(yield* plain.content());
      if (size % BLOCK !== 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
    } else {
      throw new UserError(`${file} is neither a file nor a link and cannot be archived`);
    }
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** @throws {UserError} if a name cannot be in an archive. */
export function refuseName(file: string): void {
  if (/[\n\0]/.test(file)) throw new UserError(`the name ${JSON.stringify(file)} contains a line break`);
}

/** Returns whether a link is relative and its target is in the tree that contains it. */
export function isSafeLink(file: string, target: string): boolean {
  if (target === "" || path.isAbsolute(target) || /[\n\0]/.test(target)) return false;
  return isInside("/tree", path.resolve("/tree", path.dirname(file), target));
}

/** A regular file whose content is being archived. */
export interface PlainFile extends AsyncDisposable {
  path: string;
  size: number;
  mode: number;
  mtime: Date;
  /** Yields the content and returns its hash. A piece may be overwritten when the next one is requested. */
  content(): AsyncGenerator<Buffer, StoredFile>;
}

/**
 * Opens a file to archive it.
 * @param file its path in the archive.
 * @throws {UserError} if it is no longer a regular file.
 */
export async function openPlain(file: string, place: string): Promise<PlainFile> {
  const handle = await open(place, FLAGS);
  const close = (): Promise<void> => handle.close();
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new UserError(`${file} is no longer a regular file`);
    const { size, mode } = stats;
    const content = (): ReturnType<PlainFile["content"]> => contentOf(file, handle, size);
    return {
      path: file,
      size,
      mode: mode & 0o777,
      mtime: timeOf(stats),
      content,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* contentOf(
  file: string,
  handle: FileHandle,
  size: number,
): AsyncGenerator<Buffer, StoredFile> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, size));
  for (let left = size; left > 0;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(PIECE, left));
    if (bytesRead === 0) throw new Error(`${file} became shorter while it was being archived`);
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    left -= bytesRead;
    // streams keep several small pieces
    yield left > 0 && bytesRead < PIECE ? Buffer.from(piece) : piece;
  }
  return { path: file, sizeBytes: size, sha256: hash.digest("hex") };
}

/** Returns the modification time in ms, never rounded up to the next second as `stats.mtime` may be. */
function timeOf({ mtimeMs }: { mtimeMs: number }): Date {
  const lastOfSecond = Math.floor(mtimeMs / 1000) * 1000 + 999;
  return new Date(Math.min(Math.round(mtimeMs), lastOfSecond));
}

interface Entry {
  path: string;
  type: "File" | "SymbolicLink";
  size: number;
  mtime: Date;
  mode?: number;
  linkpath?: string;
}

function* header({ mode = 0o644, ...entry }: Entry): Generator<Buffer> {
  const { path: name, mtime, size, linkpath } = entry;
  yield new Pax({ path: name, mtime, size, ...(linkpath !== undefined && { linkpath }) }).encode();
  const plain = new Header({
    ...entry,
    mode,
    uid: 0,
    gid: 0,
    mtime: new Date(Math.floor(+mtime / 1000) * 1000),
  });
  plain.encode();
  yield plain.block!;
}
