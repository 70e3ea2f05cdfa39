// Names, reasons and outputs come from simulations, the queue and files. They must not control the terminal
// or disguise text.

/**
 * Control characters except tab and newline, characters that change the text direction, and Unicode line
 * separators.
 */
const DANGEROUS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g; // eslint-disable-line no-control-regex
const IN_A_LINE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g; // eslint-disable-line no-control-regex
/** JSON already escapes control characters below the space. */
const DANGEROUS_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Returns a text with visible escapes, such as `\x1b`, in place of control characters other than newline and tab. */
export function printable(text: string): string {
  return text.replace(DANGEROUS, visible);
}

/** Returns a text as a single line: escapes newlines and tabs, too. */
export function printableLine(text: string): string {
  return text.replace(IN_A_LINE, visible);
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  const [prefix, digits] = code > 0xff ? ["\\u", 4] : ["\\x", 2];
  return NAMED[character] ?? prefix + code.toString(16).padStart(digits, "0");
}

/** Returns a value in which all strings and property names are printable single lines. */
export function printableValue<T>(value: T): T {
  return printed(value) as T;
}

function printed(value: unknown): unknown {
  if (typeof value === "string") return printableLine(value);
  if (Array.isArray(value)) return value.map(printed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [printableLine(name), printed(each)]),
  );
}

/** Returns JSON without characters that would affect a terminal. Its meaning is the same. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    DANGEROUS_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Returns a function that decodes a stream of bytes, piece by piece, into printable text. Call it without a
 * piece at the end. A carriage return, with which progress bars overwrite themselves, becomes a newline, so
 * that it hides nothing.
 */
export function printableStream(): (piece?: Uint8Array) => string {
  const decoder = new TextDecoder();
  let pending = "";
  return (piece) => {
    const text = pending + (piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true }));
    pending = piece !== undefined && text.endsWith("\r") ? "\r" : "";
    const complete = pending === "" ? text : text.slice(0, -1);
    return printable(complete.replace(/\r+\n|\r/g, "\n"));
  };
}
