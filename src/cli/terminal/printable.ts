// Names, reasons and outputs come from simulations, from the queue and from files: a terminal must not take any of it
// for a command, nor show it as something else than it is.

/**
 * Control characters other than tab and newline, characters that reverse the direction of what follows, and those that
 * some terminals take for the end of a line.
 */
const DANGEROUS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g; // eslint-disable-line no-control-regex
const IN_A_LINE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g; // eslint-disable-line no-control-regex
/** In JSON, control characters below the space are escaped already. */
const DANGEROUS_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Makes what a terminal might obey visible, as `\x1b`; newlines and tabs stay. */
export function printable(text: string): string {
  return text.replace(DANGEROUS, visible);
}

/** The same for what is to stay in one line: newlines and tabs become visible, too. */
export function printableLine(text: string): string {
  return text.replace(IN_A_LINE, visible);
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  const [prefix, digits] = code > 0xff ? ["\\u", 4] : ["\\x", 2];
  return NAMED[character] ?? prefix + code.toString(16).padStart(digits, "0");
}

/** A value with all texts in it made printable, each as one line; also the names of its entries. */
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

/** JSON that does nothing to a terminal, and means the same. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    DANGEROUS_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Makes a stream of bytes printable that comes in pieces. A carriage return, by which progress bars write over
 * themselves, begins a new line: what it would hide may be what matters.
 * @returns what takes a piece and gives what can be shown of it; at the end it is called without one.
 */
export function printableStream(): (piece?: Uint8Array) => string {
  const decoder = new TextDecoder();
  let held = "";
  return (piece) => {
    const text = held + (piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true }));
    held = piece !== undefined && text.endsWith("\r") ? "\r" : "";
    const whole = held === "" ? text : text.slice(0, -1);
    return printable(whole.replace(/\r+\n|\r/g, "\n"));
  };
}
