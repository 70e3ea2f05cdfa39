import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const POLL_MS = 500;
const PIECE_BYTES = 1 << 20;
/** The run chooses the file: opening a FIFO must not block, and a link must not make the worker read another file. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Follows a file that a simulation writes, from the time its name is known. */
export class FileFollower implements Disposable {
  readonly #onText: (text: string) => void;
  readonly #decoder = new TextDecoder();
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  readonly #timer: NodeJS.Timeout;
  #file: string | undefined;
  #position = 0;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
    this.#timer = setInterval(() => this.#read(1), POLL_MS);
  }

  /**
   * Reads this file from now on, instead of an earlier one.
   * @param file absolute path.
   */
  follow(file: string): void {
    this.#file = file;
    this.#position = 0;
  }

  /** Reads the rest of the file. Call it after the simulation has ended. */
  finish(): void {
    while (this.#read(64) > 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /**
   * Reads what is new in the file and returns its length in bytes.
   * @param pieces maximum number of pieces to read, so that a fast writer does not block the event loop.
   */
  #read(pieces: number): number {
    if (this.#file === undefined) return 0;
    let total = 0;
    try {
      const descriptor = openSync(this.#file, FLAGS);
      try {
        for (let left = fstatSync(descriptor).isFile() ? pieces : 0; left > 0; left--) {
          const length = readSync(descriptor, this.#piece, 0, PIECE_BYTES, this.#position);
          if (length === 0) break;
          this.#position += length;
          total += length;
          this.#onText(this.#decoder.decode(this.#piece.subarray(0, length), { stream: true }));
        }
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return total; // the file does not exist yet, or the run has removed it
    }
    return total;
  }
}
