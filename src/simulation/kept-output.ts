import { open, type FileHandle } from "node:fs/promises";

/** Of what a simulation prints so much is kept from its beginning… */
export const KEPT_HEAD_BYTES = 16 << 20;
/** …and so much from its end, which is in memory until then. */
export const KEPT_TAIL_BYTES = 4 << 20;

/**
 * A file with what a simulation prints. One that floods its output must fill neither the disk nor the memory:
 * its beginning and its end are kept, with a sentence between them. When the disk takes no more, writing goes
 * on into the void, so that the simulation never waits for us; `close` tells.
 */
export class KeptOutput {
  readonly #file: FileHandle;
  readonly #limits: { head: number; tail: number };
  #written = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #omitted = 0;
  #failure: { error: unknown } | undefined;
  /** Two streams write into the file, one after the other. */
  #last: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, limits: { head: number; tail: number }) {
    this.#file = file;
    this.#limits = limits;
  }

  static async create(
    path: string,
    limits = { head: KEPT_HEAD_BYTES, tail: KEPT_TAIL_BYTES },
  ): Promise<KeptOutput> {
    return new KeptOutput(await open(path, "w"), limits);
  }

  /** Bytes that are in the middle of the output and not in the file. */
  get omitted(): number {
    return this.#omitted;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves when the disk has taken it. */
  async write(chunk: Buffer): Promise<void> {
    const room = this.#limits.head - this.#written;
    const head = chunk.subarray(0, Math.max(0, room));
    this.#written += head.length;
    if (head.length < chunk.length) this.#keepLast(chunk.subarray(head.length));
    if (head.length > 0) await this.#store(head);
  }

  /** @throws what the first write that failed has thrown. */
  async close(): Promise<void> {
    try {
      if (this.#omitted > 0)
        await this.#store(
          Buffer.from(`\n… ${this.#omitted} bytes of the output are not kept; this is its end: …\n`),
        );
      for (const chunk of this.#tail) await this.#store(chunk);
    } finally {
      this.#tail = [];
      await this.#file.close();
    }
    if (this.#failure) throw this.#failure.error;
  }

  #keepLast(chunk: Buffer): void {
    this.#tail.push(Buffer.from(chunk)); // a copy: the rest of a large chunk shall not stay in memory
    this.#tailBytes += chunk.length;
    while (this.#tailBytes > this.#limits.tail) {
      const surplus = this.#tailBytes - this.#limits.tail;
      const first = this.#tail[0]!;
      const dropped = Math.min(surplus, first.length);
      if (dropped === first.length) this.#tail.shift();
      else this.#tail[0] = first.subarray(dropped);
      this.#tailBytes -= dropped;
      this.#omitted += dropped;
    }
  }

  #store(chunk: Buffer): Promise<void> {
    return (this.#last = this.#last.then(async () => {
      if (this.#failure) return;
      try {
        await this.#file.writeFile(chunk);
      } catch (error) {
        this.#failure = { error };
      }
    }));
  }
}
