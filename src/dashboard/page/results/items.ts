import { numberIn } from "../../../model/quantities.ts";

/** What the server lists about a campaign's results. */
export interface ResultList {
  /** Number of runs whose results are known. */
  runs: number;
  /** Number of ended runs whose files are still to be read. */
  unread: number;
  /** Why the results of some runs are unknown. */
  problems?: { runs: number; reason: string }[];
  items: [module: string, name: string, unit: string | null, kind: string][];
  /** Number of items that are not listed, because there are too many. */
  omitted: number;
}

/** What the server sends about the values of a pattern. */
export interface ValuesAnswer {
  series: {
    module: string;
    name: string;
    unit: string | null;
    values: [run: number, value: number | string][];
  }[];
  unread: number;
  omitted: number;
}

/** Returns values by run number; what JSON has no numbers for is sent as a text. */
export function valuesIn(values: ValuesAnswer["series"][number]["values"]): Map<number, number> {
  return new Map(
    values.map(([run, value]) => [run, typeof value === "number" ? value : (numberIn(value) ?? NaN)]),
  );
}

/** Results that differ only in the indices of their modules. */
export interface Item {
  /** The pattern that matches them. */
  pattern: string;
  /** The module with `[*]` for indices. */
  module: string;
  name: string;
  unit: string | null;
  kind: string;
  /** Number of modules. */
  modules: number;
}

/** A module with what it records and its submodules. */
export interface ModuleNode {
  /** The last part of the name. */
  label: string;
  path: string;
  items: Item[];
  children: ModuleNode[];
}

/** Returns the results, those of modules in a vector as one item, and parameters last. */
export function groupItems(items: ResultList["items"]): Item[] {
  const groups = new Map<string, Item>();
  for (const [module, name, unit, kind] of items) {
    const general = module.replace(/\[\d+\]/g, "[*]");
    const key = `${general}\0${name}`;
    const known = groups.get(key);
    if (known !== undefined) known.modules++;
    else
      groups.set(key, { pattern: patternOf(general, name), module: general, name, unit, kind, modules: 1 });
  }
  // what a run was given is rarely what is looked for
  const isParameter = ({ kind }: Item): number => Number(kind === "parameter");
  return [...groups.values()].sort((a, b) => isParameter(a) - isParameter(b));
}

/** Returns OMNeT++'s pattern for a module, in which `[*]` stands for any index, and a name. */
function patternOf(module: string, name: string): string {
  const literal = (text: string): string => text.replace(/[\\*?{]/g, "\\$&").replace(/\[(?=\d*\.\.)/g, "\\[");
  return `${module.split("[*]").map(literal).join("[*]")}.${literal(name)}`;
}

/** Returns the items that contain all words, in any order. */
export function searchItems(items: readonly Item[], text: string): Item[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...items];
  return items.filter(({ module, name }) => {
    const all = `${module}.${name}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** Returns the modules as trees. */
export function moduleTree(items: readonly Item[]): ModuleNode[] {
  const root: ModuleNode = { label: "", path: "", items: [], children: [] };
  const known = new Map<string, ModuleNode>([["", root]]);
  for (const item of items) nodeOf(item.module, known).items.push(item);
  return root.children;
}

function nodeOf(path: string, known: Map<string, ModuleNode>): ModuleNode {
  const found = known.get(path);
  if (found !== undefined) return found;
  const dot = path.lastIndexOf(".");
  const node: ModuleNode = { label: path.slice(dot + 1), path, items: [], children: [] };
  known.set(path, node);
  nodeOf(dot < 0 ? "" : path.slice(0, dot), known).children.push(node);
  return node;
}
