/** Longer lines are cut, so that output without newlines cannot fill the memory. */
export const MAX_LINE_LENGTH = 64 * 1024;

/** Splits chunks of text into lines, which end in `\n` or `\r\n`. */
export class LineSplitter {
  #rest = "";
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: string): void {
    let from = 0;
    for (let to = chunk.indexOf("\n"); to >= 0; to = chunk.indexOf("\n", from)) {
      this.#keep(chunk, from, to);
      this.#emitLine();
      from = to + 1;
    }
    this.#keep(chunk, from, chunk.length);
  }

  /** Passes on the last line, if it did not end in a newline. */
  end(): void {
    if (this.#rest !== "") this.#emitLine();
  }

  #emitLine(): void {
    const line = this.#rest;
    this.#rest = "";
    this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  #keep(chunk: string, from: number, to: number): void {
    const free = MAX_LINE_LENGTH - this.#rest.length;
    if (free > 0) this.#rest += chunk.slice(from, Math.min(to, from + free));
  }
}
