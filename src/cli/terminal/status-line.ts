import { forPeople } from "./for-people.ts";

/** The part of a stream that the status line needs. */
export type Screen = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

/** Minimum time between two updates: faster ones cannot be read and flicker over SSH. */
export const REDRAW_MS = 200;

/** Without a terminal, the longest time in which nothing is printed. */
const SILENCE_MS = 60_000;

const ERASE_TO_END = "\u001b[K";
const ERASE_LINE = `\r${ERASE_TO_END}`;

/**
 * The last line of a terminal, which shows progress; without a terminal, a line that is printed once a minute. It is written only if it has changed, at most five times
 * a second, and by a single write that overwrites the old text, so that it does not flicker.
 */
export class StatusLine {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #isShown: boolean;
  #text: (columns: number) => string = () => "";
  #drawn = "";
  #drawnAt = -Infinity;
  #printedAt: number;

  /** @param isShown false if the user does not want the line. */
  constructor(screen: Screen, isShown: boolean, now: () => number) {
    this.#screen = screen;
    this.#isShown = isShown;
    this.#now = now;
    this.#printedAt = now();
  }

  /** Maximum width of the line. It leaves the last column free, because some terminals would wrap. */
  get #columns(): number {
    return (this.#screen.columns || 80) - 1;
  }

  /** Sets the content. @param text returns the line for a maximum number of columns. */
  set(text: (columns: number) => string): void {
    this.#text = text;
    this.refresh();
  }

  /**
   * Draws the line unless that was done less than REDRAW_MS ago. Without a terminal, prints it as a line of its own if
   * nothing was printed for a minute. Call it regularly.
   */
  refresh(): void {
    if (!this.#screen.isTTY) this.#breakSilence();
    else if (this.#now() - this.#drawnAt >= REDRAW_MS) this.redraw();
  }

  /** Draws the line immediately. Call it after the terminal's width has changed. */
  redraw(): void {
    if (!this.#screen.isTTY) return;
    const line = this.#isShown ? this.#text(this.#columns) : "";
    if (line === this.#drawn) return;
    this.#drawn = line;
    this.#drawnAt = this.#now();
    this.#screen.write(`\r${line}${ERASE_TO_END}`);
  }

  /** Prints text above the line by a single write; on a terminal, wraps it between words. */
  printAbove(unwrapped: string): void {
    this.#printedAt = this.#now();
    const { isTTY } = this.#screen;
    const text = forPeople(unwrapped, { isTTY, columns: this.#columns });
    if (this.#drawn === "") this.#screen.write(`${text}\n`);
    else this.#screen.write(`\r${text.replaceAll("\n", `${ERASE_TO_END}\n`)}${ERASE_TO_END}\n${this.#drawn}`);
  }

  #breakSilence(): void {
    if (!this.#isShown || this.#now() - this.#printedAt < SILENCE_MS) return;
    const line = this.#text(Infinity);
    if (line !== "") this.printAbove(line);
  }

  /** Removes the line. */
  clear(): void {
    this.#text = () => "";
    if (this.#drawn !== "") this.#screen.write(ERASE_LINE);
    this.#drawn = "";
  }
}
