/** Characters of two columns; half-width katakana are excluded, which belong to the same script. */
const WIDE =
  /^(?![\uff61-\uff9f])[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Characters without a width of their own. */
const ZERO_WIDTH = /^[\p{Mark}\p{Format}\p{Control}]/u;
const ASCII = /^[\x20-\x7e]*$/;

let segmenter: Intl.Segmenter | undefined;

/** Returns the user-perceived characters (grapheme clusters) of a text. */
function characters(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function characterWidth(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) || character.includes("\ufe0f") ? 2 : 1;
}

/**
 * Returns the number of terminal columns of a text without control sequences.
 * @see Unicode Standard Annex 11, "East Asian Width".
 */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of characters(text)) width += characterWidth(character);
  return width;
}

/** Returns a text truncated to a number of columns, with `…` at its end. */
export function shorten(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let start = "";
  let left = columns - 1;
  for (const character of characters(text)) {
    left -= characterWidth(character);
    if (left < 0) break;
    start += character;
  }
  return `${start}…`;
}

const COLOR = /\u001b\[[0-9;]*m/g; // eslint-disable-line no-control-regex

/** Returns a text without colours. */
export function visible(text: string): string {
  return text.replaceAll(COLOR, "");
}

/** A word with the spaces before it; the first one has the indentation of the text. */
const WORD = /^ *[^ ]*| +[^ ]+/g;

/**
 * Returns a text that is wrapped between words to a number of columns. A longer word is not split, because it
 * may be a path that the user wants to copy.
 * @param text may contain colours.
 * @param indent beginning of every line but the first.
 */
export function wrap(text: string, columns: number, indent = ""): string {
  const lines: string[] = [];
  for (const word of text.match(WORD) ?? []) {
    const joined = (lines.at(-1) ?? "") + word;
    if (lines.length > 0 && textWidth(visible(joined)) > columns) lines.push(indent + word.trimStart());
    else lines.splice(-1, 1, joined);
  }
  return lines.join("\n");
}

/** Returns a text padded with spaces to a number of columns. */
export function padColumns(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - textWidth(text)));
}
