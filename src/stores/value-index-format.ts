import { createHash } from "node:crypto";
import path from "node:path";
import { crc32 } from "node:zlib";
import * as v from "valibot";
import { MOST_ITEMS, type ResultItem, type RunValues } from "../model/result-item.ts";
import { parseJsonOrUndefined } from "../system/json.ts";

// The index of a campaign: the numbers that its runs have recorded, so that one of them can be read of all runs without
// parsing their result files. It is a cache. `CAMPAIGN.items` has a line for each distinct list of items;
// `CAMPAIGN.values` an entry for each collected run, which names its list. Numbers are little-endian:
//
//   0  magic number          16  omitted items          32  list, the first 8 bytes of its hash
//   4  run number            20  CRC-32 of the values   40  CRC-32 of the 40 bytes before
//   8  end of the run (ms)   24  number of values       44  unused
//                            28  unused                 48  values, as doubles
//
// An entry that is cut off or damaged ends the part of the file that counts. Several entries of a run may exist: the
// last one counts.

const MAGIC = 0x31495653; // "SVI1"
export const HEADER_BYTES = 48;
const CHECKED_BYTES = 40;

/** The files of a campaign's index. */
export interface IndexFiles {
  items: string;
  values: string;
}

/** Returns the folder of the indexes of all campaigns that store their records in a result directory. */
export function indexFolder(resultDirectory: string): string {
  return path.join(resultDirectory, ".swarm", "index");
}

export function indexFiles(resultDirectory: string, campaign: string): IndexFiles {
  const base = path.join(indexFolder(resultDirectory), campaign);
  return { items: `${base}.items`, values: `${base}.values` };
}

/** A run of which an index has the values. */
export interface IndexedRun {
  runNumber: number;
  /** When the run ended, in ms since 1970: after a rerun, the entry does not count any more. */
  finishedAt: number;
  /** The list of its items. */
  list: string;
  count: number;
  omitted: number;
}

/** Returns the entry of a run. */
export function encodeEntry(
  { runNumber, finishedAt, list, omitted }: Omit<IndexedRun, "count">,
  values: Float64Array,
): Buffer {
  const entry = Buffer.alloc(HEADER_BYTES + values.length * 8);
  entry.writeUInt32LE(MAGIC, 0);
  entry.writeUInt32LE(runNumber, 4);
  entry.writeDoubleLE(finishedAt, 8);
  entry.writeUInt32LE(Math.min(omitted, 0xffffffff), 16);
  entry.writeUInt32LE(values.length, 24);
  entry.write(list, 32, "hex");
  values.forEach((value, index) => entry.writeDoubleLE(value, HEADER_BYTES + index * 8));
  entry.writeUInt32LE(crc32(entry.subarray(HEADER_BYTES)), 20);
  entry.writeUInt32LE(crc32(entry.subarray(0, CHECKED_BYTES)), 40);
  return entry;
}

/** Returns the header of an entry; undefined if it is damaged. */
export function decodeHeader(header: Buffer): (IndexedRun & { checksum: number }) | undefined {
  const isWhole =
    header.length >= HEADER_BYTES &&
    header.readUInt32LE(0) === MAGIC &&
    header.readUInt32LE(40) === crc32(header.subarray(0, CHECKED_BYTES));
  const count = isWhole ? header.readUInt32LE(24) : Infinity;
  if (count > MOST_ITEMS) return undefined;
  return {
    runNumber: header.readUInt32LE(4),
    finishedAt: header.readDoubleLE(8),
    omitted: header.readUInt32LE(16),
    checksum: header.readUInt32LE(20),
    count,
    list: header.toString("hex", 32, CHECKED_BYTES),
  };
}

const LineSchema = v.object({
  list: v.string(),
  items: v.pipe(
    v.array(
      v.tuple([
        v.string(),
        v.string(),
        v.nullable(v.string()),
        v.picklist(["scalar", "statistic", "parameter"]),
      ]),
    ),
    v.maxLength(MOST_ITEMS),
  ),
});

/** Returns the name of a list of items, and the line that describes it. */
export function encodeItems(items: RunValues["items"]): { list: string; line: string } {
  const text = JSON.stringify(items.map(({ module, name, unit, kind }) => [module, name, unit, kind]));
  const list = nameOf(text);
  return { list, line: `{"list":"${list}","items":${text}}\n` };
}

/** Returns the list in a line; undefined if the line is damaged. */
export function decodeItems(line: string): { list: string; items: ResultItem[] } | undefined {
  const parsed = v.safeParse(LineSchema, parseJsonOrUndefined(line));
  if (!parsed.success) return undefined;
  const { list, items } = parsed.output;
  if (nameOf(JSON.stringify(items)) !== list) return undefined;
  return { list, items: items.map(([module, name, unit, kind]) => ({ module, name, unit, kind })) };
}

function nameOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
