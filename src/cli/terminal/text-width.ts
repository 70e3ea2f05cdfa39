/** Characters that take two columns; half-width katakana belong to the script and take one. */
const WIDE =
  /^(?![\uff61-\uff9f])[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Characters that take none by themselves. */
const NONE = /^[\p{Mark}\p{Format}\p{Control}]/u;
const ASCII = /^[\x20-\x7e]*$/;

let segmenter: Intl.Segmenter | undefined;

/** What a person sees as one character each. */
function characters(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function characterWidth(character: string): number {
  if (NONE.test(character)) return 0;
  return WIDE.test(character) || character.includes("\ufe0f") ? 2 : 1;
}

/**
 * How many columns of a terminal a text without control sequences takes.
 * @see Unicode Standard Annex 11, "East Asian Width".
 */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of characters(text)) width += characterWidth(character);
  return width;
}

/** Cuts a text to a number of columns, showing that it does. */
export function shorten(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = "";
  let room = columns - 1;
  for (const character of characters(text)) {
    room -= characterWidth(character);
    if (room < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

const COLOR = /\u001b\[[0-9;]*m/g; // eslint-disable-line no-control-regex

/**
 * Breaks a text between its words so that no line takes more than a number of columns; a word that is longer stays
 * whole, because it may be a path that somebody wants to copy.
 * @param text may have colours.
 * @param indent begins every line but the first.
 */
export function wrap(text: string, columns: number, indent = ""): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const joined = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(joined.replaceAll(COLOR, "")) > columns) lines.push(indent + word);
    else lines.splice(-1, 1, joined);
  }
  return lines.join("\n");
}

/** Fills a text with spaces up to a number of columns. */
export function padColumns(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - textWidth(text)));
}
