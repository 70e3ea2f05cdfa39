import { openRegularFile } from "../system/regular-file.ts";
import { LineSplitter, MAX_LINE_LENGTH } from "../omnetpp/line-splitter.ts";

/** Maximum length to read of a file. No scalar file is that large, and reading more would take minutes. */
const MAX_BYTES = 1 << 29;

/**
 * `scalar <module> <name> <value>`; module and name are quoted if they contain spaces.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats".
 */
const SCALAR = /^scalar\s+("(?:[^"\\]|\\.)*"|\S+)\s+("(?:[^"\\]|\\.)*"|\S+)\s+(\S+)$/;

/** A scalar in a file; its name is `module name`. */
export type Scalar = [name: string, value: number];

/**
 * Yields the scalars of a file, which may have any content. Skips other lines and lines that are longer than
 * OMNeT++'s. Yields nothing if the file does not exist.
 */
export async function* scalarsOf(file: string, maxBytes = MAX_BYTES): AsyncGenerator<Scalar> {
  await using handle = await openRegularFile(file);
  if (handle === undefined) return;
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => void lines.push(line));
  const text = handle.createReadStream({ encoding: "utf8", end: maxBytes - 1, autoClose: false });
  for await (const chunk of text) {
    splitter.write(chunk as string);
    yield* found(lines);
  }
  splitter.end();
  yield* found(lines);
}

function* found(lines: string[]): Generator<Scalar> {
  for (const line of lines.splice(0)) {
    const scalar = parseScalar(line);
    if (scalar !== undefined) yield scalar;
  }
}

/** Returns the scalar in a line of a scalar file; undefined if there is none. */
export function parseScalar(line: string): Scalar | undefined {
  if (line.length >= MAX_LINE_LENGTH) return undefined; // truncated by LineSplitter
  const [, module, name, value] = SCALAR.exec(line) ?? [];
  const number = Number(value);
  return value === undefined || Number.isNaN(number)
    ? undefined
    : [`${unquoted(module!)} ${unquoted(name!)}`, number];
}

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1
    ? text.slice(1, -1).replace(/\\(.)/g, "$1")
    : text;
}
