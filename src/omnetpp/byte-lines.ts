import type { FileHandle } from "node:fs/promises";
import { MAX_LINE_LENGTH } from "./line-splitter.ts";

/** What limits the reading of a long file, and what is told about it. */
export interface ReadControl {
  /** Ends the reading with an error. */
  signal: AbortSignal;
  /** Returns whether reading has taken too long, and stops; what was read until then counts. */
  isTimeUp: () => boolean;
  /** Called from time to time with the number of bytes that were read, of all. */
  onProgress?: ((done: number, of: number) => void) | undefined;
}

/** A part of a file, in bytes. */
export interface Range {
  from: number;
  to: number;
}

const CHUNK = 1 << 20;
const NEWLINE = 10;

/**
 * Calls a function with the place of each line of some parts of a file, without its newline. Neither a line that is too
 * long nor the end of a file without a newline is passed on: a simulation that was stopped may have written only a part
 * of a number.
 * @param take the buffer is overwritten after the call.
 * @returns whether everything was read: otherwise, the time was over.
 */
export async function readLines(
  handle: FileHandle,
  ranges: readonly Range[],
  take: (buffer: Buffer, start: number, end: number) => void,
  control: ReadControl,
): Promise<boolean> {
  const splitter = new ByteSplitter(take);
  const of = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  let done = 0;
  for (const { from, to } of ranges) {
    splitter.begin();
    for (let position = from; position < to;) {
      control.signal.throwIfAborted();
      if (control.isTimeUp()) return false;
      const bytesRead = await splitter.readFrom(handle, position, to - position);
      if (bytesRead === 0) break; // the file has become shorter
      position += bytesRead;
      done += bytesRead;
      control.onProgress?.(done, of);
    }
  }
  return true;
}

class ByteSplitter {
  readonly #buffer = Buffer.allocUnsafe(CHUNK + MAX_LINE_LENGTH);
  readonly #take: (buffer: Buffer, start: number, end: number) => void;
  /** Length of the incomplete line at the beginning of the buffer. */
  #kept = 0;
  #isTooLong = false;

  constructor(take: (buffer: Buffer, start: number, end: number) => void) {
    this.#take = take;
  }

  begin(): void {
    this.#kept = 0;
    this.#isTooLong = false;
  }

  async readFrom(handle: FileHandle, position: number, most: number): Promise<number> {
    const { bytesRead } = await handle.read(this.#buffer, this.#kept, Math.min(CHUNK, most), position);
    this.#split(this.#kept + bytesRead);
    return bytesRead;
  }

  #split(end: number): void {
    const buffer = this.#buffer;
    let start = 0;
    for (;;) {
      const newline = buffer.indexOf(NEWLINE, start);
      if (newline < 0 || newline >= end) break;
      if (!this.#isTooLong) this.#take(buffer, start, newline);
      this.#isTooLong = false;
      start = newline + 1;
    }
    this.#kept = end - start;
    if (this.#kept >= MAX_LINE_LENGTH) {
      this.#isTooLong = true;
      this.#kept = 0;
    } else buffer.copyWithin(0, start, end);
  }
}
