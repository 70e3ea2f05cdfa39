import { once } from "node:events";
import { accessSync, constants, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { errorCode } from "../errors.ts";
import { startPiped, startWriting, type ReadingProgram } from "../system/program.ts";
import { DamagedArchive } from "./store.ts";

/** Values of an archive's field `compression`. */
export const COMPRESSIONS = ["zstd", "gzip"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Transforms a stream. */
export type Stage = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** Below this size, gzip takes less time than starting a program. */
const LEAST_PROGRAM_BYTES = 4 << 20;

/**
 * Returns how to compress: zstd if Node.js (from 22.15) or a program provides it, otherwise gzip, each at its fastest
 * level. Vector files of OMNeT++ shrink to 1/6 at 540 MB/s with zstd, and to 1/3.3 at 115 MB/s with gzip.
 * @param sizeBytes size of the uncompressed data.
 */
export function compressor(sizeBytes: number): { compression: Compression; pack: Stage } {
  if (nodeZstd !== undefined) return { compression: "zstd", pack: through(() => nodeZstd.pack()) };
  if (sizeBytes >= LEAST_PROGRAM_BYTES && hasZstdProgram()) return { compression: "zstd", pack: packFile };
  return { compression: "gzip", pack: through(() => zlib.createGzip({ level: 1 })) };
}

/** Returns the stage that decompresses; it throws {@link DamagedArchive} if the data are damaged. */
export function decompressor(compression: Compression): Stage {
  if (compression === "gzip") return through(() => zlib.createGunzip());
  if (nodeZstd !== undefined) return through(() => nodeZstd.unpack());
  return hasZstdProgram()
    ? (source) => throughZstd(startPiped("zstd", UNPACKING), source, damaged)
    : unpackInJavaScript;
}

const PACKING = ["-1", "-q", "-c"];
const UNPACKING = ["-d", "-q", "-c"];
/**
 * `ulimit` limits the size of what zstd writes, in units of 512 bytes (1024 in some shells). Beyond it, writing fails: the
 * signal, which would leave a core file, is ignored.
 */
const UNPACKING_AT_MOST = `trap "" XFSZ; ulimit -f "$1" 2> /dev/null; exec zstd ${UNPACKING.join(" ")}`;

/**
 * Returns whether a file is packed by itself, so that a program unpacks it straight into the new file: collecting the
 * buffers through which Node.js would pass it takes longer than unpacking.
 */
export function isPackedAlone(sizeBytes: number): boolean {
  return sizeBytes >= LEAST_PROGRAM_BYTES && hasZstdProgram();
}

/** Packs one file with zstd. */
export const packFile: Stage = (source) => throughZstd(startPiped("zstd", PACKING), source, notPacked);

/**
 * Unpacks one file that was packed with zstd, into an empty one.
 * @throws {DamagedArchive} if the data are damaged, or far more than expected.
 */
export async function unpackFile(
  source: AsyncIterable<Buffer>,
  handle: FileHandle,
  sizeBytes: number,
): Promise<void> {
  if (!hasZstdProgram()) {
    await writeAtMost(decompressor("zstd")(source), handle, sizeBytes);
    return;
  }
  const blocks = Math.ceil(sizeBytes / 512);
  const zstd = startWriting("sh", ["-c", UNPACKING_AT_MOST, "sh", String(blocks)], handle.fd);
  try {
    for await (const _ of throughZstd(zstd, source, damaged));
  } catch (error) {
    // a full disk is no damage: zstd does not say which of them it was, the system does
    if (error instanceof DamagedArchive) await handle.writeFile(Buffer.alloc(1 << 16));
    throw error;
  }
}

async function writeAtMost(
  source: AsyncIterable<Buffer>,
  handle: FileHandle,
  sizeBytes: number,
): Promise<void> {
  let left = sizeBytes;
  for await (const piece of source) {
    left -= piece.length;
    if (left < 0) throw new DamagedArchive(`a file in it has more than ${sizeBytes} bytes`);
    await handle.writeFile(piece);
  }
}

interface NodeZstd {
  pack(): Transform;
  unpack(): Transform;
}

/** Available from Node.js 22.15; the type definitions are those of the oldest version that we support. */
const nodeZstd = ((): NodeZstd | undefined => {
  const {
    createZstdCompress,
    createZstdDecompress,
    constants: names,
  } = zlib as unknown as {
    createZstdCompress?: (options: object) => Transform;
    createZstdDecompress?: () => Transform;
    constants: Record<string, number>;
  };
  if (!createZstdCompress || !createZstdDecompress) return undefined;
  const params = { [names["ZSTD_c_compressionLevel"]!]: 1, [names["ZSTD_c_checksumFlag"]!]: 1 };
  return { pack: () => createZstdCompress({ params }), unpack: createZstdDecompress };
})();

function hasZstdProgram(): boolean {
  return (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => {
    try {
      const file = path.join(folder, "zstd");
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

function through(make: () => Transform): Stage {
  return async function* (source) {
    const transform = make();
    const feeding = pipeline(source, transform);
    feeding.catch(() => undefined); // the reader gets the same error
    try {
      for await (const piece of transform) yield piece as Buffer;
    } catch (error) {
      throw errorCode(error)?.startsWith("Z") ? damaged(error) : error;
    }
    await feeding;
  };
}

/**
 * Passes a stream through zstd; yields nothing if its output goes elsewhere.
 * @param failed returns the error for what zstd says about the data.
 */
async function* throughZstd(
  child: ReadingProgram,
  source: AsyncIterable<Buffer>,
  failed: (cause: Error) => Error,
): AsyncGenerator<Buffer> {
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  ended.catch(() => undefined); // awaited below
  if (child.pid === undefined) await ended; // throws why it cannot be started
  let errorOutput = "";
  child.stderr
    .setEncoding("utf8")
    .on("data", (text: string) => (errorOutput = (errorOutput + text).slice(-500)));
  let failure: { error: unknown } | undefined;
  const noting = (async function* () {
    try {
      yield* source;
    } catch (error) {
      failure = { error };
      throw error;
    }
  })();
  // An error of the pipe itself only says that zstd has ended; its error output says why.
  const feeding = pipeline(noting, child.stdin).catch(() => failure && child.stdout?.destroy());
  try {
    if (child.stdout !== null) for await (const piece of child.stdout) yield piece as Buffer;
    await feeding;
    const [exitCode, signal] = await ended;
    if (failure === undefined && exitCode !== 0) throw endOf(exitCode, signal, errorOutput.trim(), failed);
  } catch (error) {
    if (failure === undefined) throw error;
  } finally {
    child.kill();
  }
  if (failure !== undefined) throw failure.error;
}

/** Exit codes of a shell for a program that cannot be executed, or does not exist. */
const NOT_STARTED = [126, 127];

function endOf(
  exitCode: number | null,
  signal: NodeJS.Signals | null,
  said: string,
  failed: (cause: Error) => Error,
): Error {
  if (exitCode === null) return new Error(`zstd was ended by ${signal}`);
  if (NOT_STARTED.includes(exitCode)) return new Error(`zstd cannot be started: ${said}`);
  return failed(new Error(said));
}

async function* unpackInJavaScript(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import("fzstd");
  const ready: Buffer[] = [];
  const stream = new Decompress((piece) =>
    ready.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length)),
  );
  const push = (piece: Buffer, last: boolean): void => {
    try {
      stream.push(piece, last);
    } catch (error) {
      throw damaged(error);
    }
  };
  for await (const piece of source) {
    push(piece, false);
    yield* ready.splice(0);
  }
  push(Buffer.alloc(0), true);
  yield* ready;
}

function damaged(cause: unknown): DamagedArchive {
  return new DamagedArchive(`cannot unpack it: ${(cause as Error).message}`, { cause });
}

function notPacked(cause: Error): Error {
  return new Error(`cannot pack it: ${cause.message}`, { cause });
}
