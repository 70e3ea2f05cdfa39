/** A folder in which `opp_makemake` writes a Makefile. */
export interface MakemakeFolder {
  /** Relative to the project's folder. */
  folder: string;
  options: string[];
}

/**
 * Returns the folders of type `makemake` in an `.oppbuildspec`, with their options. Only the IDE writes this
 * file, always in the same form, so an XML parser is not worth a dependency.
 * @see OMNeT++ User Guide, "Building": the Makemake options of a folder.
 */
export function makemakeFolders(buildspec: string): MakemakeFolder[] {
  return [...buildspec.matchAll(/<dir\b([^<>]*)>/g)].flatMap((element) => {
    const attributes = new Map(
      [...element[1]!.matchAll(/(?<![\w-])([\w-]+)\s*=\s*"([^"]*)"/g)].map((match) => [
        match[1]!,
        unescapeXml(match[2]!),
      ]),
    );
    if (attributes.get("type") !== "makemake") return [];
    const options = parseMakemakeOptions(attributes.get("makemake-options") ?? "");
    return [{ folder: attributes.get("path") ?? ".", options }];
  });
}

/**
 * Returns the options in the header of a Makefile that
 * `opp_makemake` wrote; undefined for any other Makefile.
 */
export function makemakeCommand(makefile: string): string | undefined {
  return /^# {1,3}opp_makemake (.*)$/m.exec(makefile)?.[1];
}

/**
 * Splits a line of options as a shell does (single and double quotes, backslash). Leaves out options that
 * only the IDE understands (`--meta:…`), and `-f`, which is always added. The IDE doubles the `$` of
 * variables for make; this is undone.
 */
export function parseMakemakeOptions(line: string): string[] {
  const words = [...line.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs)].map((match) =>
    match[0].replaceAll(
      /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs,
      (_, double?: string, single?: string, escaped?: string) =>
        double === undefined ? (single ?? escaped ?? "") : double.replaceAll(/\\(["\\$`])/g, "$1"),
    ),
  );
  const options = words.filter((word) => !word.startsWith("--meta:") && word !== "-f" && word !== "--force");
  return options.map((option) => option.replaceAll("$$(", "$("));
}

function unescapeXml(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name]!);
}
