import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const LOOK_MS = 500;
const PIECE_BYTES = 1 << 20;
/** The run chooses the file: neither a FIFO nor a link may have us wait, or read something else. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Reads along a file that a simulation writes, from the moment on at which its name is known. */
export class FileFollower implements Disposable {
  readonly #onText: (text: string) => void;
  readonly #decoder = new TextDecoder();
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  readonly #timer: NodeJS.Timeout;
  #file: string | undefined;
  #position = 0;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
    this.#timer = setInterval(() => this.#read(1), LOOK_MS);
  }

  /** The last one that is named counts. @param file absolute. */
  follow(file: string): void {
    this.#file = file;
    this.#position = 0;
  }

  /** Reads the rest; to be called when nobody writes any more. */
  finish(): void {
    while (this.#read(64) > 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** @param pieces at most so many, lest a flood keep the process from everything else. @returns how many bytes it was. */
  #read(pieces: number): number {
    if (this.#file === undefined) return 0;
    let all = 0;
    try {
      const descriptor = openSync(this.#file, FLAGS);
      try {
        for (let left = fstatSync(descriptor).isFile() ? pieces : 0; left > 0; left--) {
          const length = readSync(descriptor, this.#piece, 0, PIECE_BYTES, this.#position);
          if (length === 0) break;
          this.#position += length;
          all += length;
          this.#onText(this.#decoder.decode(this.#piece.subarray(0, length), { stream: true }));
        }
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return all; // it is not there yet, or the run has removed it: then nobody can say how the run ended
    }
    return all;
  }
}
