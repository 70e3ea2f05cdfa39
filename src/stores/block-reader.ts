import { DamagedArchive } from "./store.ts";

/** Reads a stream in pieces of requested sizes. */
export class BlockReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Ends the stream: the rest need not be decompressed. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** Returns between one and `limit` bytes. */
  async some(limit: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done) throw new DamagedArchive("it is truncated");
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Fills a buffer and returns it. @throws {DamagedArchive} if the stream ends before. */
  async fill(buffer: Buffer): Promise<Buffer> {
    for (let filled = 0; filled < buffer.length;)
      filled += (await this.some(buffer.length - filled)).copy(buffer, filled);
    return buffer;
  }

  /** Yields exactly `length` bytes. @throws {DamagedArchive} if the stream ends before. */
  async *take(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      const piece = await this.some(left);
      left -= piece.length;
      yield piece;
    }
  }

  /** Yields everything that has not been read yet. */
  async *rest(): AsyncGenerator<Buffer> {
    if (this.#rest.length > 0) yield this.#rest;
    this.#rest = Buffer.alloc(0);
    for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) yield next.value;
  }

  /** Returns exactly `length` bytes. @throws {DamagedArchive} if the stream ends before. */
  async read(length: number): Promise<Buffer> {
    return await this.fill(Buffer.alloc(length));
  }
}
