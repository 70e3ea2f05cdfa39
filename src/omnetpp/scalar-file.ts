import { openRegularFile } from "../system/regular-file.ts";
import { LineSplitter, MAX_LINE_LENGTH } from "./line-splitter.ts";
import { unquoted } from "./quoted-text.ts";

/** More of a file is not read: it would take minutes, and no scalar file is that large. */
const MOST_BYTES = 1 << 29;

/**
 * `scalar <module> <name> <value>`; module and name are quoted where they hold spaces.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "Scalar Data".
 */
const SCALAR = /^scalar\s+("(?:[^"\\]|\\.)*"|\S+)\s+("(?:[^"\\]|\\.)*"|\S+)\s+(\S+)$/;

/** A scalar that a file records, as `module name`. */
export type Scalar = [name: string, value: number];

/**
 * Reads the scalars of a file, which may have any content: what is not a scalar is passed over, and a line that is longer
 * than any of OMNeT++'s counts as none. A file that does not exist has none.
 */
export async function* scalarsOf(file: string, mostBytes = MOST_BYTES): AsyncGenerator<Scalar> {
  await using handle = await openRegularFile(file);
  if (handle === undefined) return;
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => void lines.push(line));
  const text = handle.createReadStream({ encoding: "utf8", end: mostBytes - 1, autoClose: false });
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

/** Parses one line of a scalar file; undefined if it records no scalar. */
export function parseScalar(line: string): Scalar | undefined {
  if (line.length >= MAX_LINE_LENGTH) return undefined; // it was cut
  const [, module, name, value] = SCALAR.exec(line) ?? [];
  const number = Number(value);
  return value === undefined || Number.isNaN(number)
    ? undefined
    : [`${unquoted(module!)} ${unquoted(name!)}`, number];
}
