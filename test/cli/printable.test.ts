import { expect, it } from "vitest";
import {
  printable,
  printableJson,
  printableLine,
  printableStream,
  printableValue,
} from "../../src/cli/terminal/printable.ts";

it("makes control characters visible, and leaves all other text unchanged", () => {
  expect(printable("\u001b]0;title\u0007\u009b2J\u007f")).toBe("\\x1b]0;title\\x07\\x9b2J\\x7f");
  expect(printable("abc\u202edef\u2066\u2028")).toBe("abc\\u202edef\\u2066\\u2028");
  for (const text of ["two\nlines\tand a tab", "größer → 東京 👩‍🔬", ""]) expect(printable(text)).toBe(text);
  expect(printable("a\rb")).toBe("a\\rb");
  expect(printableLine("two\nlines\tand a tab\r")).toBe("two\\nlines\\tand a tab\\r");
});

it("covers every text of an event, including names", () => {
  const event = { type: "x", list: [{ "\u001b": "\n" }], number: 1, nothing: null, missing: undefined };
  expect(printableValue(event)).toEqual({ ...event, list: [{ "\\x1b": "\\n" }] });
});

it("writes JSON with the same meaning", () => {
  const value = { text: "\u001b[31m\u009b\u202e\u007fü" };
  const text = printableJson(value);
  expect(text).toBe('{"text":"\\u001b[31m\\u009b\\u202e\\u007fü"}');
  expect(JSON.parse(text)).toEqual(value);
});

it("makes an output printable that arrives in pieces", () => {
  const show = (...pieces: (string | Uint8Array)[]): string => {
    const shown = printableStream();
    const texts = pieces.map((piece) => shown(typeof piece === "string" ? Buffer.from(piece) : piece));
    return texts.join("") + shown();
  };
  expect(show("a\r", "\nb\rc\r\r\n", "d\r")).toBe("a\nb\nc\nd\n");
  const bytes = Buffer.from("→\u009b");
  expect(show(...[...bytes].map((byte) => Uint8Array.of(byte)))).toBe("→\\x9b");
  expect(show("\u001b[2J\tx\n")).toBe("\\x1b[2J\tx\n");
});
