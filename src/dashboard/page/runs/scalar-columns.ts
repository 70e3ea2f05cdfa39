import { valuesIn, type ValuesAnswer } from "../results/items.ts";

/** A scalar as a column of the table and a field of the query. */
export interface ScalarColumn {
  /** OMNeT++'s pattern of the scalar: if it matches several modules, the column has their mean. */
  pattern: string;
  /** Name in a query. */
  field: string;
  unit: string | null;
  /** By run number. */
  values: ReadonlyMap<number, number>;
}

/** Number of scalars that a table still has space for. */
export const MOST_SCALARS = 8;
/** Names that a scalar's field must not have. */
const OWN_FIELDS = ["run", "state", "repetition", "time", "cpu", "memory", "rate", "error", "superseded"];

/**
 * Returns the columns of chosen scalars. A scalar is called by its name, or by its pattern if another field has the
 * name.
 * @param answers values by pattern; those that are still missing are unknown.
 */
export function scalarColumns(
  patterns: readonly string[],
  answers: ReadonlyMap<string, ValuesAnswer>,
  variables: readonly string[],
): ScalarColumn[] {
  const names = patterns.map(nameIn);
  const all = [...OWN_FIELDS, ...variables, ...names].map((name) => name.toLowerCase());
  return patterns.map((pattern, index) => {
    const name = names[index]!;
    const isUnique = all.filter((other) => other === name.toLowerCase()).length === 1;
    const [series] = answers.get(pattern)?.series ?? [];
    return {
      pattern,
      field: isUnique ? name : pattern,
      unit: series?.unit ?? null,
      values: valuesIn(series?.values ?? []),
    };
  });
}

/** Returns the name of the scalars that a pattern matches; the pattern itself if they may have different names. */
function nameIn(pattern: string): string {
  const name = pattern.slice(pattern.lastIndexOf(".") + 1);
  const isLiteral = !/(^|[^\\])[*?{]/.test(name) && name !== "" && !pattern.includes("..");
  return isLiteral ? name.replace(/\\(.)/g, "$1") : pattern;
}
