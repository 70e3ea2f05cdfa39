import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { versionIn } from "../../omnetpp/simulator.ts";
import { readTextIfExists, lstatIfExists } from "../../system/files.ts";

/** The OMNeT++ that a program or library was linked with. */
export interface LinkedOmnetpp {
  /** Its folder, as the linker wrote it. */
  folder: string;
  /** As its file `Version` says; undefined if the folder no longer exists. */
  version: string | undefined;
}

/**
 * Returns the OMNeT++ that a file was linked with: by the options of `opp_makemake`, the linker records the
 * folder of its libraries.
 * @returns undefined for other files, and if no such folder is recorded.
 */
export async function linkedOmnetpp(file: string): Promise<LinkedOmnetpp | undefined> {
  try {
    await using handle = await open(file);
    for (const folder of await libraryFolders(handle)) {
      if (path.basename(folder) !== "lib" || !path.isAbsolute(folder)) continue;
      const root = path.dirname(folder);
      const version = versionIn((await readTextIfExists(path.join(root, "Version"))) ?? "");
      const isGone = (await lstatIfExists(root)) === undefined;
      if (version !== undefined || (isGone && /omnetpp/i.test(root))) return { folder: root, version };
    }
  } catch {
    // not an ELF file, or not readable
  }
  return undefined;
}

const DYNAMIC = 2;
const LOAD = 1;
const STRING_TABLE = 5;
const PATHS = [15, 29]; // DT_RPATH, DT_RUNPATH
const MOST_BYTES = 1 << 20;

interface Segment {
  type: number;
  offset: number;
  address: number;
  sizeBytes: number;
}

/**
 * Returns the library search paths in a 64-bit little-endian ELF
 * file, the format on all Linux machines that OMNeT++ supports.
 * @see elf(5).
 */
async function libraryFolders(handle: FileHandle): Promise<string[]> {
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  const head = await read(0, 64);
  if (head.length < 64 || head.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return [];
  const segments = segmentsOf(await read(Number(head.readBigUInt64LE(32)), head.readUInt16LE(56) * 56));
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  if (dynamic === undefined || dynamic.sizeBytes > MOST_BYTES) return [];
  const tags = await read(dynamic.offset, dynamic.sizeBytes);
  const entries = Array.from({ length: Math.floor(tags.length / 16) }, (_, index) => ({
    tag: Number(tags.readBigInt64LE(index * 16)),
    value: Number(tags.readBigUInt64LE(index * 16 + 8)),
  }));
  const strings = entries.find(({ tag }) => tag === STRING_TABLE)?.value;
  const place = segments.find(
    ({ type, address, sizeBytes }) =>
      type === LOAD && strings !== undefined && strings >= address && strings < address + sizeBytes,
  );
  if (strings === undefined || place === undefined) return [];
  const found: string[] = [];
  for (const { tag, value } of entries) {
    if (!PATHS.includes(tag)) continue;
    const text = await read(place.offset + strings - place.address + value, 4096);
    const end = text.indexOf(0);
    found.push(...text.toString("utf8", 0, end === -1 ? text.length : end).split(":"));
  }
  return found;
}

function segmentsOf(table: Buffer): Segment[] {
  return Array.from({ length: Math.floor(table.length / 56) }, (_, index) => {
    const start = index * 56;
    return {
      type: table.readUInt32LE(start),
      offset: Number(table.readBigUInt64LE(start + 8)),
      address: Number(table.readBigUInt64LE(start + 16)),
      sizeBytes: Number(table.readBigUInt64LE(start + 32)),
    };
  });
}
