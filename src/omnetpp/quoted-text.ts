/** Matches a text that is entirely in double quotes; quotes inside it are escaped. */
const QUOTED = /^"(?:[^"\\]|\\.)*"$/s;
const ESCAPE = /\\(?:x([\da-fA-F]{1,2})|(.))/gs;
const CONTROLS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * Returns a string constant without its quotes and escapes (`"a \"b\""` becomes `a "b"`), and any other text
 * unchanged. The simulator writes string constants in this form in result files, in ini files and in answers
 * to queries.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "Line types": quotes and backslashes.
 */
export function unquoted(text: string): string {
  if (!QUOTED.test(text)) return text;
  return text
    .slice(1, -1)
    .replace(ESCAPE, (_, code: string | undefined, character: string | undefined) =>
      code === undefined
        ? (CONTROLS[character!] ?? character!)
        : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

const WORD = /\s*("(?:[^"\\]|\\.)*"|\S+)/y;

/** Returns the first words of a line of a result file, without their quotes. */
export function wordsOf(line: string, most: number): string[] {
  const words: string[] = [];
  if (!/["\t]| {2}/.test(line)) {
    // nearly every line; this is faster than the expression below
    for (let from = 0; words.length < most && from < line.length;) {
      const space = line.indexOf(" ", from);
      const to = space < 0 ? line.length : space;
      words.push(line.slice(from, to));
      from = to + 1;
    }
    return words;
  }
  WORD.lastIndex = 0;
  while (words.length < most) {
    const word = WORD.exec(line)?.[1];
    if (word === undefined) break;
    words.push(unquoted(word));
  }
  return words;
}
