import { closeSync, openSync, writeSync } from "node:fs";

/** Number of bytes to keep from the beginning of a simulation's output. */
const KEPT_HEAD_BYTES = 16 << 20;
/** Number of bytes to keep from the end; they are in memory until the file is closed. */
const KEPT_TAIL_BYTES = 4 << 20;

/**
 * A file with the output of a simulation. A flood of output must fill neither the disk nor the memory, so
 * only the beginning and the end are kept, with a line between them. If the disk is full, output is
 * discarded, so that the simulation never waits; `close` reports the error. Writes are synchronous: the
 * chunks are short, and asynchronous writes would cost more.
 */
export class KeptOutput {
  readonly #file: number;
  readonly #limits: { head: number; tail: number };
  #written = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #omitted = 0;
  #failure: { error: unknown } | undefined;

  constructor(path: string, limits = { head: KEPT_HEAD_BYTES, tail: KEPT_TAIL_BYTES }) {
    this.#file = openSync(path, "w");
    this.#limits = limits;
  }

  /** Number of bytes omitted from the middle of the output. */
  get omitted(): number {
    return this.#omitted;
  }

  /** Whether a write has failed. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Writes a chunk of output; a failure is reported by `failed` and `close`. */
  write(chunk: Buffer): void {
    const free = this.#limits.head - this.#written;
    const head = chunk.subarray(0, Math.max(0, free));
    this.#written += head.length;
    if (head.length < chunk.length) this.#keepLast(chunk.subarray(head.length));
    if (head.length > 0) this.#store(head);
  }

  /**
   * Writes the end of the output and closes the file.
   * @throws the error of the first write that failed.
   */
  close(): void {
    try {
      if (this.#omitted > 0)
        this.#store(Buffer.from(`\n… ${this.#omitted} bytes of the output omitted; the end follows: …\n`));
      for (const chunk of this.#tail) this.#store(chunk);
    } finally {
      this.#tail = [];
      closeSync(this.#file);
    }
    if (this.#failure) throw this.#failure.error;
  }

  #keepLast(chunk: Buffer): void {
    this.#tail.push(Buffer.from(chunk)); // a copy, so that the rest of a large chunk can be freed
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

  #store(chunk: Buffer): void {
    try {
      for (let done = 0; done < chunk.length && !this.#failure;) done += writeSync(this.#file, chunk, done);
    } catch (error) {
      this.#failure = { error };
    }
  }
}
