/** A warning about one file; several of a kind are shown on one line. */
interface FileWarning {
  file: string;
  /** Text after the file's name. */
  one: string;
  /** Text after the number of files, before some of their names. */
  many: string;
}

export type Warning = string | FileWarning;

const NAMED = 3;

/**
 * Returns one line for each warning, but only one for all
 * file warnings of a kind, with their number and a few names.
 */
export function formatWarnings(warnings: readonly Warning[]): string[] {
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
