import { closeSync, openSync, writeSync } from "node:fs";

/** Of what a simulation prints so much is kept from its beginning… */
const KEPT_HEAD_BYTES = 16 << 20;
/** …and so much from its end, which is in memory until then. */
const KEPT_TAIL_BYTES = 4 << 20;

/**
 * A file with what a simulation prints. One that floods its output must fill neither the disk nor the memory:
 * its beginning and its end are kept, with a sentence between them. When the disk takes no more, writing goes
 * on into the void, so that the simulation never waits for us; `close` tells. What is written is short: it is
 * done at once, which costs less than a way through another thread.
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

  /** Bytes that are in the middle of the output and not in the file. */
  get omitted(): number {
    return this.#omitted;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  write(chunk: Buffer): void {
    const room = this.#limits.head - this.#written;
    const head = chunk.subarray(0, Math.max(0, room));
    this.#written += head.length;
    if (head.length < chunk.length) this.#keepLast(chunk.subarray(head.length));
    if (head.length > 0) this.#store(head);
  }

  /** @throws what the first write that failed has thrown. */
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

  #store(chunk: Buffer): void {
    try {
      for (let done = 0; done < chunk.length && !this.#failure;) done += writeSync(this.#file, chunk, done);
    } catch (error) {
      this.#failure = { error };
    }
  }
}
