/**
 * The file in which Eclipse, and therefore OMNeT++'s IDE, describes a project.
 * @see Eclipse, "The project description file".
 */
export const IDE_FILE = ".project";

const NATURE = /<nature>([^<]*)<\/nature>/g;

/**
 * Returns whether a `.project` can be that of an OMNeT++ project;
 * those of others, such as Python projects, name other natures.
 */
export function isOmnetppProject(text: string): boolean {
  const natures = [...text.matchAll(NATURE)].map((match) => match[1]!.trim());
  return natures.length === 0 || natures.some((nature) => nature.startsWith("org.omnetpp."));
}

/** Returns the project's name in the IDE; undefined if it has none. */
export function nameInIde(text: string): string | undefined {
  const found = /<name>([^<]*)<\/name>/.exec(text)?.[1]?.trim();
  return found === undefined || found === "" ? undefined : unescaped(found);
}

/**
 * Returns the names of the projects that a project refers to, without its own name.
 * @see OMNeT++ User Guide, "Project References".
 */
export function referencesInIde(text: string): string[] {
  const own = nameInIde(text);
  const [, list = ""] = text.split("<projects>", 2);
  const [inner, end] = list.split("</projects>", 2);
  const found = end === undefined ? [] : [...inner!.matchAll(/<project>([^<]*)<\/project>/g)];
  const names = found.map((match) => unescaped(match[1]!.trim()));
  return [...new Set(names)].filter((name) => name !== "" && name !== own);
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replaceAll(/&(?:(lt|gt|quot|apos|amp)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi, (whole, ...found) => {
    const [name, decimal, hex] = found as (string | undefined)[];
    if (name !== undefined) return ENTITIES[name.toLowerCase()]!;
    const code = decimal === undefined ? parseInt(hex!, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
