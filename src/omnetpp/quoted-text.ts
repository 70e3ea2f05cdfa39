/** A text in double quotes from its beginning to its end; a quote in it is escaped. */
const QUOTED = /^"(?:[^"\\]|\\.)*"$/s;
const ESCAPE = /\\(?:x([\da-fA-F]{1,2})|(.))/gs;
const CONTROLS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * Returns a string constant without its quotes and escapes (`"a \"b\""` is `a "b"`); any other text as it is. The
 * simulator writes them so in result files, in ini files and in its answers.
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
