import { mkdir, rm } from "node:fs/promises";
import type { Binary, Collection, ObjectId } from "mongodb";
import * as v from "valibot";
import { StoredFileSchema, type ResultFile, type StoredFile } from "../model/result.ts";
import { parseOrExplain } from "../system/json.ts";
import { pack, PackingSchema, unpack } from "./archive-content.ts";
import type { Mongo } from "./mongo.ts";
import { DamagedArchive } from "./store.ts";

/** Large chunks need few round trips; a few of them are in memory at a time. */
const CHUNK_BYTES = 1 << 20;
const CHUNKS_PER_BATCH = 4;
/** MongoDB's error code if a unique index already contains the key. */
const DUPLICATE_KEY = 11000;

/** Describes an archive: the metadata of its GridFS file. */
const ArchiveSchema = v.object({
  format: v.picklist([1, 2]), // the first one had no files packed alone
  ...PackingSchema.entries,
  files: v.array(StoredFileSchema),
  /** Data of the store that uses the archive, such as a build's manifest. */
  about: v.optional(v.unknown()),
});
type Archive = v.InferOutput<typeof ArchiveSchema>;

export interface FoundArchive extends Archive {
  id: ObjectId;
  /** Size of the compressed archive, in bytes. */
  length: number;
  uploadDate: Date;
}

interface File {
  _id: ObjectId;
  filename: string;
  length: number;
  chunkSize: number;
  uploadDate: Date;
  metadata: unknown;
}

interface Chunk {
  files_id: ObjectId;
  n: number;
  data: Binary;
}

/**
 * An upload or a removal in progress. GridFS lists a file only while it is complete; its chunks are stored before, and
 * removed after, the file's entry.
 */
interface Upload {
  _id: ObjectId;
  filename: string;
  startedAt: Date;
}

/**
 * Compressed tar archives in a GridFS bucket. An archive is stored completely or not at all. Methods fail if the server
 * does not answer; the stores retry them.
 * @see MongoDB's GridFS specification.
 */
export class Archives {
  readonly #files: Collection<File>;
  readonly #chunks: Collection<Chunk>;
  readonly #uploads: Collection<Upload>;
  readonly #newId: () => ObjectId;
  readonly #binary: (data: Buffer) => Binary;
  readonly #namedByContent: boolean;
  #indexed: Promise<void> | undefined;

  /** @param namedByContent archives of the same name have the same content: the one stored first is kept. */
  constructor({ db, driver }: Mongo, bucketName: string, { namedByContent = false } = {}) {
    this.#namedByContent = namedByContent;
    this.#files = db.collection(`${bucketName}.files`);
    this.#chunks = db.collection(`${bucketName}.chunks`);
    this.#uploads = db.collection(`${bucketName}.uploads`);
    this.#newId = () => new driver.ObjectId();
    this.#binary = (data) => new driver.Binary(data);
  }

  /**
   * Packs and stores files. An archive of the same name is replaced, or kept if archives are named by their content.
   * @returns the files with sizes and hashes.
   */
  async put(
    name: string,
    tree: string,
    files: readonly string[],
    { signal, about }: { signal?: AbortSignal | undefined; about?: unknown } = {},
  ): Promise<StoredFile[]> {
    await (this.#indexed ??= this.#makeIndexes());
    const packed = await pack(tree, files);
    const id = this.#newId();
    await this.#uploads.insertOne({ _id: id, filename: name, startedAt: new Date() });
    try {
      const length = await this.#write(id, packed.content, signal);
      const archive: Archive = { format: 2, ...packed.packing, files: packed.files(), about };
      const file = { length, chunkSize: CHUNK_BYTES, uploadDate: new Date(), filename: name };
      await this.#files.insertOne({ _id: id, ...file, metadata: archive });
    } catch (error) {
      await this.#removeIds([id]).catch(() => undefined); // the first error is the one to report; removeOlderThan removes the rest
      if (this.#namedByContent && (error as { code?: unknown }).code === DUPLICATE_KEY) return packed.files();
      throw error;
    }
    if (!this.#namedByContent) await this.#removeWhere({ filename: name, _id: { $ne: id } });
    await this.#uploads.deleteOne({ _id: id });
    return packed.files();
  }

  /**
   * Stores a stream as chunks, each packed during the upload of the previous one. When this returns or throws, no insert
   * is in progress any more (the driver's own stream may leave one behind when it is destroyed).
   * @returns the length of the stream in bytes.
   */
  async #write(id: ObjectId, packed: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<number> {
    let length = 0;
    let n = 0;
    let uploading: Promise<unknown> = Promise.resolve();
    try {
      for await (const data of portions(packed, CHUNK_BYTES)) {
        signal?.throwIfAborted();
        await uploading;
        length += data.length;
        uploading = this.#chunks.insertOne({ files_id: id, n: n++, data: this.#binary(data) });
        uploading.catch(() => undefined); // awaited with the next one
      }
      await uploading;
      return length;
    } finally {
      await uploading.catch(() => undefined);
    }
  }

  /**
   * Creates the indexes of the GridFS specification, and a unique one if archives are named by their content. After a
   * failure, this is tried again with the next archive.
   */
  async #makeIndexes(): Promise<void> {
    try {
      await this.#files.createIndex({ filename: 1, uploadDate: 1 }, {}, {});
      if (this.#namedByContent) await this.#files.createIndex({ filename: 1 }, { unique: true }, {});
      await this.#chunks.createIndex({ files_id: 1, n: 1 }, { unique: true }, {});
    } catch (error) {
      this.#indexed = undefined;
      throw error;
    }
  }

  /** Returns the newest archive of a name; older ones are about to be removed. */
  async #valid(name: string): Promise<File | undefined> {
    const sorted = this.#files.find({ filename: name }).sort({ uploadDate: -1, _id: -1 });
    return (await sorted.limit(1).toArray())[0];
  }

  /** Returns the archive of a name, or undefined. */
  async find(name: string): Promise<FoundArchive | undefined> {
    const file = await this.#valid(name);
    if (file === undefined) return undefined;
    const archive = parseOrExplain(ArchiveSchema, file.metadata, `the stored archive ${name}`);
    return { ...archive, id: file._id, length: file.length, uploadDate: file.uploadDate };
  }

  /**
   * Unpacks an archive into a directory, which is created or replaced.
   * @param files the expected files.
   * @throws {DamagedArchive} if the archive is missing, or its content is not as expected; the directory is removed.
   */
  async unpack(name: string, files: readonly ResultFile[], directory: string): Promise<void> {
    const archive = await this.find(name);
    if (archive === undefined) throw new DamagedArchive("it no longer exists");
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    try {
      await unpack(archive, this.#read(archive), directory, files);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async *#read({ id, length }: { id: ObjectId; length: number }): AsyncGenerator<Buffer> {
    const cursor = this.#chunks.find({ files_id: id }).sort({ n: 1 }).batchSize(CHUNKS_PER_BATCH);
    let left = length;
    let next = 0;
    for await (const { n, data } of cursor) {
      if (n !== next++) throw new DamagedArchive("a part of it is missing");
      left -= data.length();
      yield Buffer.from(data.buffer.buffer, data.buffer.byteOffset, data.length());
    }
    if (left !== 0) throw new DamagedArchive("it is truncated");
  }

  /** Removes the archives of a name, and what interrupted uploads of that name have left. */
  async remove(name: string): Promise<void> {
    await this.#removeWhere({ filename: name });
  }

  /** Removes all archives `<folder>/…`. */
  async removeFolder(folder: string): Promise<void> {
    await this.#removeWhere({ filename: { $gte: `${folder}/`, $lt: `${folder}0` } }); // 0 comes after /
  }

  /** Removes archives older than `ageMs` and uploads unfinished for `unfinishedMs`. @returns the number of archives. */
  async removeOlderThan(ageMs: number, unfinishedMs: number): Promise<number> {
    const [old, abandoned] = [ageMs, unfinishedMs].map((age) => new Date(Date.now() - age));
    const outdated = { uploadDate: { $lt: old! } };
    const count = await this.#files.countDocuments(outdated);
    const uploads = await this.#uploads.find({ startedAt: { $lt: abandoned! } }).toArray();
    for (const { _id } of uploads) {
      const complete = await this.#files.countDocuments({ _id });
      if (complete === 0) await this.#removeIds([_id]);
      else await this.#uploads.deleteOne({ _id });
    }
    await this.#removeWhere(outdated);
    return count;
  }

  /** Notes that an archive is in use, by resetting its age. */
  async touch(name: string): Promise<void> {
    await this.#files.updateMany({ filename: name }, { $set: { uploadDate: new Date() } });
  }

  /** Notes each removal like an upload until the chunks are removed, so that an interrupted one is found by its name. */
  async #removeWhere(filter: object): Promise<void> {
    const files = await this.#files.find(filter, { projection: { _id: 1, filename: 1 } }).toArray();
    for (const { _id, filename } of files) {
      const note = { $setOnInsert: { filename, startedAt: new Date() } };
      await this.#uploads.updateOne({ _id }, note, { upsert: true });
    }
    const uploads = await idsOf(this.#uploads.find(filter, { projection: { _id: 1 } }));
    await this.#removeIds([...files.map(({ _id }) => _id), ...uploads]);
  }

  /** Removes the file's entry first, so that a partly removed archive is not found. */
  async #removeIds(ids: readonly ObjectId[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#files.deleteMany({ _id: { $in: ids } });
    await this.#chunks.deleteMany({ files_id: { $in: ids } });
    await this.#uploads.deleteMany({ _id: { $in: ids } });
  }
}

async function idsOf(cursor: AsyncIterable<{ _id: ObjectId }>): Promise<ObjectId[]> {
  const ids: ObjectId[] = [];
  for await (const { _id } of cursor) ids.push(_id);
  return ids;
}

/**
 * Yields the same bytes in pieces of one size; only the last one may be shorter. A piece is overwritten when the one after
 * the next is requested.
 */
async function* portions(source: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let [current, other]: (Buffer | undefined)[] = [];
  let length = 0;
  for await (const piece of source) {
    for (let taken = 0; taken < piece.length;) {
      current ??= Buffer.allocUnsafe(size);
      const copied = piece.copy(current, length, taken);
      taken += copied;
      length += copied;
      if (length < size) continue;
      yield current;
      [current, other] = [other, current];
      length = 0;
    }
  }
  if (current !== undefined && length > 0) yield current.subarray(0, length);
}
