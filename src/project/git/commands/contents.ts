import { ask, askForBytes, type CommandOptions } from "./ask.ts";

/**
 * Returns the sizes of objects, in bytes, of those that are there.
 * @param options of a git process that sees them, and must not fetch what it does not see.
 */
export async function objectSizes(
  objects: readonly string[],
  options: CommandOptions,
): Promise<Map<string, number>> {
  if (objects.length === 0) return new Map();
  const input = objects.map((object) => `${object}\n`).join("");
  const command = ["cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer"];
  const sizes = new Map<string, number>();
  for (const line of (await ask(command, { ...options, input })).split("\n")) {
    const [object, size] = line.split(" ") as [string, string | undefined];
    if (size !== undefined && size !== "missing") sizes.set(object, Number(size));
  }
  return sizes;
}

/** Yields the contents of objects that are there, with one character for each byte. */
export async function* objectContents(
  objects: readonly string[],
  options: CommandOptions,
): AsyncGenerator<[object: string, content: string]> {
  if (objects.length === 0) return;
  const input = objects.map((object) => `${object}\n`).join("");
  const answer = await askForBytes(["--batch", "--buffer"], { ...options, input });
  for (let at = 0; at < answer.length;) {
    const begin = answer.indexOf("\n", at) + 1;
    const [object, , length] = answer.slice(at, begin - 1).split(" ");
    at = begin + Number(length) + 1;
    yield [object!, answer.slice(begin, at - 1)];
  }
}

/**
 * Hashes files byte by byte: no filter, no other line ends.
 * @param files absolute.
 * @param store stores them, too.
 * @returns their hashes, in order.
 */
export async function hashFiles(
  files: readonly string[],
  store: boolean,
  options: CommandOptions,
): Promise<string[]> {
  if (files.length === 0) return [];
  const input = files.map((file) => `${quoted(file)}\n`).join("");
  const command = ["hash-object", ...(store ? ["-w"] : []), "--no-filters", "--stdin-paths"];
  return (await ask(command, { ...options, input })).trim().split("\n");
}

/** As git quotes names in lists with a line for each. @see git-config(1) core.quotePath. */
function quoted(file: string): string {
  if (!/[\n\r"\\]/.test(file)) return file;
  const escaped = file.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `"${escaped}"`;
}
