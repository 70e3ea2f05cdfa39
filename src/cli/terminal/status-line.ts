import { wrap } from "./text-width.ts";

/** The part of a stream that a terminal's last line needs. */
export type Screen = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

/** Five times a second: faster than that nobody reads, and over ssh it would flicker. */
export const REDRAW_MS = 200;

const ERASE_TO_END = "\u001b[K";
const ERASE_LINE = `\r${ERASE_TO_END}`;

/**
 * The last line of a terminal, which changes. Written only when it has changed, at most five times a second,
 * each time by one write that goes over the old text, so that there is no moment without it.
 */
export class StatusLine {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #shown: boolean;
  #text: (columns: number) => string = () => "";
  #drawn = "";
  #drawnAt = -Infinity;

  /** @param shown false where there is no terminal, or nobody wants the line. */
  constructor(screen: Screen, shown: boolean, now: () => number) {
    this.#screen = screen;
    this.#shown = shown;
    this.#now = now;
  }

  /** Columns that the line may have: the last one stays free, else some terminals would wrap. */
  get #columns(): number {
    return (this.#screen.columns || 80) - 1;
  }

  /** @param text makes the line, no wider than a number of columns. */
  set(text: (columns: number) => string): void {
    this.#text = text;
    this.refresh();
  }

  /** Shows what has changed; call it now and then, for what changed too soon after the last time. */
  refresh(): void {
    if (this.#now() - this.#drawnAt >= REDRAW_MS) this.redraw();
  }

  /** Shows what has changed at once: also after the terminal got another width. */
  redraw(): void {
    const line = this.#shown ? this.#text(this.#columns) : "";
    if (line === this.#drawn) return;
    this.#drawn = line;
    this.#drawnAt = this.#now();
    this.#screen.write(`\r${line}${ERASE_TO_END}`);
  }

  /** Prints lines above it, by one write; on a terminal they are broken between words. */
  printAbove(news: string): void {
    const lines = news.split("\n");
    const text = this.#screen.isTTY ? lines.map((line) => wrap(line, this.#columns, "  ")).join("\n") : news;
    if (this.#drawn === "") this.#screen.write(`${text}\n`);
    else this.#screen.write(`\r${text.replaceAll("\n", `${ERASE_TO_END}\n`)}${ERASE_TO_END}\n${this.#drawn}`);
  }

  /** Takes the line away. */
  clear(): void {
    this.#text = () => "";
    if (this.#drawn !== "") this.#screen.write(ERASE_LINE);
    this.#drawn = "";
  }
}
