import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { ResultItem } from "../model/result-item.ts";
import { openRegularFile } from "../system/regular-file.ts";
import {
  decodeHeader,
  decodeItems,
  HEADER_BYTES,
  indexFiles,
  type IndexedRun,
  type IndexFiles,
} from "./value-index-format.ts";

/** Number of bytes to read at a time: the largest entry fits in. */
const CHUNK_BYTES = 1 << 20;
/** Maximum size of the file with the lists of items: a larger one would not fit into memory. */
export const MOST_ITEM_BYTES = 1 << 26;

/** An entry of an index. */
export interface Entry extends IndexedRun {
  /** Position of its first value. */
  offset: number;
}

/** Reads the index of a campaign, which another process may be writing. */
export class ValueIndex {
  readonly #files: IndexFiles;
  readonly #lists = new Map<string, ResultItem[]>();
  readonly #entries = new Map<number, Entry>();
  /** Inode of the values file, and how far the files have been read. */
  #inode = 0;
  #valuesEnd = 0;
  #itemsEnd = 0;

  constructor(resultDirectory: string, campaign: string) {
    this.#files = indexFiles(resultDirectory, campaign);
  }

  /** Reads what was added since the last call. @returns whether anything has changed. */
  async refresh(): Promise<boolean> {
    await using values = await openRegularFile(this.#files.values);
    const { size = 0, ino = 0 } = values === undefined ? {} : await values.stat();
    const isReplaced = ino !== this.#inode || size < this.#valuesEnd;
    if (isReplaced) {
      this.#entries.clear();
      [this.#inode, this.#valuesEnd, this.#itemsEnd] = [ino, 0, 0];
    }
    if (values === undefined || size === this.#valuesEnd) return isReplaced;
    const before = this.#valuesEnd;
    this.#valuesEnd = await readEntries(values, before, size, (entry) => {
      this.#entries.set(entry.runNumber, entry);
    });
    if (this.#valuesEnd > before) await this.#readItems();
    return isReplaced || this.#valuesEnd > before;
  }

  /** Returns the entry of a run, if it is that of the execution which ended at a time. */
  entry(runNumber: number, finishedAt: number | undefined): Entry | undefined {
    const entry = this.#entries.get(runNumber);
    return entry?.finishedAt === finishedAt && this.#lists.get(entry?.list ?? "")?.length === entry?.count
      ? entry
      : undefined;
  }

  /** Returns the list of items of an entry. */
  itemsOf({ list }: Pick<Entry, "list">): readonly ResultItem[] {
    return this.#lists.get(list)!;
  }

  /**
   * Calls a function with chosen values of entries.
   * @param indices of the wanted values of a list, in ascending order.
   * @returns false if the file has been replaced or cannot be read any more.
   */
  async read(
    entries: readonly Entry[],
    indices: ReadonlyMap<string, readonly number[]>,
    onValues: (entry: Entry, values: number[]) => void,
  ): Promise<boolean> {
    await using file = await openRegularFile(this.#files.values);
    if (file === undefined || (await file.stat()).ino !== this.#inode) return false;
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let [start, end] = [0, 0];
    for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
      const wanted = indices.get(entry.list) ?? [];
      if (wanted.length === 0) continue;
      const from = entry.offset + wanted[0]! * 8;
      const to = entry.offset + wanted.at(-1)! * 8 + 8;
      if (from < start || to > end) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, from);
        [start, end] = [from, from + bytesRead];
        if (to > end) return false;
      }
      onValues(
        entry,
        wanted.map((index) => buffer.readDoubleLE(entry.offset + index * 8 - start)),
      );
    }
    return true;
  }

  async #readItems(): Promise<void> {
    await using file = await openRegularFile(this.#files.items);
    if (file === undefined) return;
    const { size } = await file.stat();
    const length = Math.min(size, MOST_ITEM_BYTES) - this.#itemsEnd;
    if (length <= 0) return;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, this.#itemsEnd);
    const whole = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf("\n") + 1);
    this.#itemsEnd += whole.length;
    for (const line of whole.toString().split("\n")) {
      const found = decodeItems(line);
      if (found !== undefined) this.#lists.set(found.list, found.items);
    }
  }
}

/**
 * Reads the entries of a file up to the first one that is cut off or damaged.
 * @param from position of the first entry.
 * @param size of the file.
 * @returns the end of the last entry.
 */
export async function readEntries(
  file: FileHandle,
  from: number,
  size: number,
  onEntry: (entry: Entry) => void,
): Promise<number> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let position = from; position < size;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
    let at = 0;
    for (;;) {
      const found = decodeHeader(chunk.subarray(at, Math.min(bytesRead, at + HEADER_BYTES)));
      if (found === undefined) break;
      const { checksum, ...run } = found;
      const [start, end] = [at + HEADER_BYTES, at + HEADER_BYTES + run.count * 8];
      if (end > bytesRead || crc32(chunk.subarray(start, end)) !== checksum) break;
      onEntry({ ...run, offset: position + start });
      at = end;
    }
    if (at === 0) return position;
    position += at;
  }
  return size;
}
