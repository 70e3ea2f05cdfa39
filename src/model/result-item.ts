/** A number that a run records. */
export interface ResultItem {
  module: string;
  /** Of a field of a statistic or histogram: `NAME:mean`, `NAME:count`, …, as in OMNeT++'s own tools. */
  name: string;
  unit: string | null;
  kind: "scalar" | "statistic" | "parameter";
}

/** The numbers that a run has recorded, at most `MOST_ITEMS`. */
export interface RunValues {
  /** Each item once. */
  items: readonly ResultItem[];
  /** In the order of the items. */
  values: Float64Array;
  /** Number of items beyond the limit. */
  omitted: number;
}

/** Maximum number of items of a run. */
export const MOST_ITEMS = 20_000;

/** Returns the name by which an item is found with a pattern. */
export function fullName({ module, name }: Pick<ResultItem, "module" | "name">): string {
  return `${module}.${name}`;
}

/** Returns a text that differs between different items. */
export function itemKey({ module, name, unit, kind }: ResultItem): string {
  return `${kind}\0${module}\0${name}\0${unit ?? ""}`;
}

/** Returns whether two lists have the same items in the same order. */
export function haveSameItems(some: readonly ResultItem[], others: readonly ResultItem[]): boolean {
  if (some === others) return true;
  return (
    some.length === others.length &&
    some.every((one, index) => {
      const { module, name, unit, kind } = others[index]!;
      return one.name === name && one.module === module && one.unit === unit && one.kind === kind;
    })
  );
}
