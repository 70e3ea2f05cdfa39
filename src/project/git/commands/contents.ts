import { ask, askForBytes, type CommandOptions } from "./ask.ts";

/**
 * Returns the sizes of objects in bytes; missing objects are left out.
 * @param options of a git process that can read the objects and must not fetch missing ones.
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

/** Yields the contents of objects, which must exist, with one character for each byte (Latin-1). */
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
 * Returns the hashes of files, in order, without applying filters or converting line endings.
 * @param files absolute paths.
 * @param store also store the contents as objects.
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

/** Returns a file name quoted as in git's lists with one name per line. @see git-config(1) core.quotePath. */
function quoted(file: string): string {
  if (!/[\n\r"\\]/.test(file)) return file;
  const escaped = file.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `"${escaped}"`;
}
