/** What is to be known of one file; of several of a kind the user reads one line. */
interface FileWarning {
  file: string;
  /** Follows the file's name, or the names of a few of several files. */
  one: string;
  /** Follows the number of files. */
  many: string;
}

export type Warning = string | FileWarning;

const NAMED = 3;

/** Returns one line for each warning, and for those of a kind one with their number and a few names. */
export function inLines(warnings: readonly Warning[]): string[] {
  const kinds = new Map<string, FileWarning[]>();
  const lines = warnings.filter((warning) => typeof warning === "string");
  for (const warning of warnings)
    if (typeof warning !== "string") kinds.set(warning.many, [...(kinds.get(warning.many) ?? []), warning]);
  return [...lines, ...[...kinds.values()].map(lineOf)];
}

function lineOf(warnings: readonly FileWarning[]): string {
  const [first] = warnings;
  if (warnings.length === 1) return `${first!.file} ${first!.one}`;
  const names = warnings.slice(0, NAMED).map(({ file }) => file);
  const more = warnings.length > NAMED ? ", …" : "";
  return `${warnings.length} ${first!.many}: ${names.join(", ")}${more}`;
}
