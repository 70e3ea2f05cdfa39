import type { ResultItem } from "../../model/result-item.ts";

/** An item with the number of runs that have recorded it. */
export interface ListedItem extends ResultItem {
  runs: number;
}

/** Items of several modules that differ only in their indices, or a single item. */
interface ItemGroup extends ListedItem {
  /** Number of modules. */
  modules: number;
}

/** What most users look for comes first. */
const KINDS = ["scalar", "statistic", "parameter"];

/** Returns items by kind, with `host[*]` for `host[0]`, `host[1]`, … where there are several. */
function collapse(items: readonly ListedItem[]): ItemGroup[] {
  const groups = new Map<string, ListedItem[]>();
  for (const item of items) {
    const key = [patternOf(item.module), item.name, item.unit, item.kind].join("\0");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()]
    .map((group): ItemGroup => {
      const [first] = group;
      if (group.length === 1) return { ...first!, modules: 1 };
      const runs = Math.max(...group.map((item) => item.runs));
      return { ...first!, module: patternOf(first!.module), runs, modules: group.length };
    })
    .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

function patternOf(module: string): string {
  return module.replaceAll(/\[\d+\]/g, "[*]");
}

/** Returns the rows of a table of items, the head first. */
export function itemTable(items: readonly ListedItem[]): string[][] {
  return [
    ["name", "kind", "unit", "runs", ""],
    ...collapse(items).map(({ module, name, kind, unit, runs, modules }) => [
      `${module}.${name}`,
      kind,
      unit ?? "",
      String(runs),
      modules > 1 ? `${modules} modules` : "",
    ]),
  ];
}
