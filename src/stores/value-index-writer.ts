import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { UserError } from "../errors.ts";
import { haveSameItems, type RunValues } from "../model/result-item.ts";
import { linesOf } from "../system/files.ts";
import { openRegularFile } from "../system/regular-file.ts";
import {
  decodeItems,
  encodeEntry,
  encodeItems,
  indexFiles,
  indexFolder,
  type IndexFiles,
} from "./value-index-format.ts";
import { MOST_ITEM_BYTES, readEntries } from "./value-index.ts";

/** The indexes of older campaigns are removed if all of them together are larger. */
const KEPT_BYTES = 1 << 30;

/** Writes the index of a campaign. Only one process may do so at a time: the one that collects the campaign. */
export class ValueIndexWriter {
  readonly #resultDirectory: string;
  readonly #campaign: string;
  readonly #files: IndexFiles;
  /** Names of the lists in the file; undefined before the first entry is added. */
  #lists: Set<string> | undefined;
  #itemBytes = 0;
  /** The list of the run before: most runs have the same. */
  #last: { list: string; items: RunValues["items"] } | undefined;
  /** End of the last whole entry. */
  #end = 0;

  constructor(resultDirectory: string, campaign: string) {
    this.#resultDirectory = resultDirectory;
    this.#campaign = campaign;
    this.#files = indexFiles(resultDirectory, campaign);
  }

  /**
   * Adds the values of a run. If the run has been added before, the new values take precedence.
   * @throws {Error} if they cannot be written; the index stays usable, without them.
   */
  async add(
    { runNumber, finishedAt }: { runNumber: number; finishedAt: number },
    { items, values, omitted }: RunValues,
  ): Promise<void> {
    this.#lists ??= await this.#open();
    const list = this.#addList(items, this.#lists);
    if (list === undefined) return;
    const entry = encodeEntry({ runNumber, finishedAt, list, omitted }, values);
    append(this.#files.values, entry, this.#end);
    this.#end += entry.length;
  }

  /** Returns the name of a list, which is added; undefined if the runs differ too much for an index. */
  #addList(items: RunValues["items"], known: Set<string>): string | undefined {
    if (this.#last !== undefined && haveSameItems(this.#last.items, items)) return this.#last.list;
    const { list, line } = encodeItems(items);
    const length = Buffer.byteLength(line) + 1;
    if (!known.has(list)) {
      if (this.#itemBytes + length > MOST_ITEM_BYTES) return undefined;
      // the line before may be cut off
      append(this.#files.items, Buffer.from(`\n${line}`));
      this.#itemBytes += length;
      known.add(list);
    }
    this.#last = { list, items };
    return list;
  }

  /** Finds what an earlier process has written. */
  async #open(): Promise<Set<string>> {
    mkdirSync(indexFolder(this.#resultDirectory), { recursive: true });
    this.#removeOld();
    await using values = await openRegularFile(this.#files.values);
    if (values !== undefined)
      this.#end = await readEntries(values, 0, (await values.stat()).size, () => undefined);
    const lists = new Set<string>();
    this.#itemBytes = lstatSync(this.#files.items, { throwIfNoEntry: false })?.size ?? 0;
    if (this.#itemBytes > 0 && this.#itemBytes <= MOST_ITEM_BYTES)
      for (const line of await linesOf(this.#files.items)) {
        const found = decodeItems(line);
        if (found !== undefined) lists.add(found.list);
      }
    return lists;
  }

  /** Removes the least recently written indexes of other campaigns, if all indexes together are too large. */
  #removeOld(): void {
    const folder = indexFolder(this.#resultDirectory);
    const files = readdirSync(folder).flatMap((name) => {
      const file = path.join(folder, name);
      const stats = lstatSync(file, { throwIfNoEntry: false });
      const isOwn = name.startsWith(`${this.#campaign}.`);
      return stats?.isFile() && !isOwn ? [{ file, size: stats.size, mtimeMs: stats.mtimeMs }] : [];
    });
    let kept = 0;
    for (const { file, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      kept += size;
      if (kept > KEPT_BYTES) rmSync(file, { force: true });
    }
  }
}

const FLAGS =
  constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY;

/**
 * Writes to a file, synchronously.
 * @param position undefined: the end of the file. What is after it was cut off by a crash, and is replaced.
 * @throws {Error} if it cannot be written; the file then is as before.
 */
function append(file: string, content: Buffer, position?: number): void {
  const descriptor = openSync(file, FLAGS, 0o644);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new UserError(`${file} is not a regular file`);
    const start = position ?? stats.size;
    if (stats.size > start) ftruncateSync(descriptor, start);
    try {
      for (let written = 0; written < content.length;)
        written += writeSync(descriptor, content, written, content.length - written, start + written);
    } catch (error) {
      ftruncateSync(descriptor, start);
      throw error;
    }
  } finally {
    closeSync(descriptor);
  }
}
