/* eslint-disable no-control-regex -- control sequences are the subject here */
const TOKEN = /\u001b\[([0-9;]*)([A-Za-z])|[\s\S]/gu;

/** Terminals display these in two columns; enough for the texts of our tests. */
const WIDE = /[\u3000-\u9fff\uac00-\ud7a3\u{1f300}-\u{1faff}]/u;

/**
 * A terminal with a number of columns that understands what our tools may use: `\r`, `\n`, erasing to the end of the
 * line, and colours. Anything else is an error, because it might not work everywhere.
 */
export class VirtualTerminal {
  readonly isTTY = true;
  columns: number;
  /** The texts in the order in which they were written. */
  readonly writes: string[] = [];
  readonly #lines: string[][] = [[]];
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): boolean {
    this.writes.push(text);
    for (const [token, parameters, final] of text.matchAll(TOKEN)) this.#take(token, parameters, final);
    return true;
  }

  /** The visible screen. */
  get lines(): string[] {
    return this.#lines.map((line) => line.join("").trimEnd());
  }

  get last(): string {
    return this.lines.at(-1)!;
  }

  #take(token: string, parameters: string | undefined, final: string | undefined): void {
    const line = this.#lines.at(-1)!;
    if (final === "m") return;
    if (final === "K" && parameters === "") line.length = Math.min(line.length, this.#column);
    else if (token === "\r") this.#column = 0;
    else if (token === "\n") this.#newLine();
    else if (/^\p{Control}/u.test(token)) throw new Error(`unexpected ${JSON.stringify(token)}`);
    else this.#put(token);
  }

  #put(character: string): void {
    const width = WIDE.test(character) ? 2 : 1;
    if (this.#column + width > this.columns) this.#newLine();
    const line = this.#lines.at(-1)!;
    while (line.length < this.#column) line.push(" ");
    line[this.#column] = character;
    if (width === 2) line[this.#column + 1] = "";
    this.#column += width;
  }

  #newLine(): void {
    this.#lines.push([]);
    this.#column = 0;
  }
}
