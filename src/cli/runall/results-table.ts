import type { Series } from "../../dashboard/combine.ts";
import { UserError } from "../../errors.ts";
import { nearest } from "../../model/near.ts";
import { compareValues } from "../../model/quantities.ts";
import { summarizeSample, type SampleSummary } from "../../model/statistics.ts";

/** The run of a campaign, as far as groups are concerned. */
export interface GroupedRun {
  runNumber: number;
  /** Values of the variables, in their order. */
  values: readonly string[];
  repetition: number;
}

/** By which variables the runs of a table are grouped. */
export interface Grouping {
  by: string[];
  /** Variables that vary, too, but not between rows and columns: their values are averaged over. */
  averagedOver: string[];
}

/** The runs with equal values of the variables of a grouping. */
export interface Group extends SampleSummary {
  values: string[];
}

const REPETITION = "repetition";

/**
 * Returns the grouping of runs.
 * @param asked names of variables; undefined for all that vary, except the repetition.
 * @throws {UserError} if there is no such variable.
 */
export function groupingOf(
  variables: readonly string[],
  runs: readonly GroupedRun[],
  asked: readonly string[] | undefined,
): Grouping {
  const varying = variables.filter((_, at) => new Set(runs.map(({ values }) => values[at])).size > 1);
  if (asked === undefined) return { by: varying, averagedOver: [] };
  const known = [...variables, REPETITION];
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const [near] = nearest(unknown, known);
    const meant = near === undefined ? "" : `did you mean ${near}? `;
    throw new UserError(`--by: the campaign has no iteration variable ${unknown}`, {
      hint: `${meant}its variables are ${known.join(", ")}`,
    });
  }
  return { by: [...asked], averagedOver: varying.filter((name) => !asked.includes(name)) };
}

/** Returns the groups of a series, sorted by number and unit of the variables' values. */
export function groupsOf(
  { values }: Pick<Series, "values">,
  variables: readonly string[],
  runs: ReadonlyMap<number, GroupedRun>,
  { by }: Grouping,
): Group[] {
  const samples = new Map<string, { values: string[]; sample: number[] }>();
  for (const [runNumber, value] of values) {
    const run = runs.get(runNumber)!;
    const own = by.map((name) =>
      name === REPETITION && !variables.includes(name)
        ? String(run.repetition)
        : (run.values[variables.indexOf(name)] ?? ""),
    );
    const key = own.join("\0");
    const known = samples.get(key);
    if (known === undefined) samples.set(key, { values: own, sample: [value] });
    else known.sample.push(value);
  }
  return [...samples.values()]
    .map(({ values: own, sample }): Group => ({ values: own, ...summarizeSample(sample) }))
    .sort((a, b) => compareLists(a.values, b.values));
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [at, value] of a.entries()) {
    const order = compareValues(value, b[at]!);
    if (order !== 0) return order;
  }
  return 0;
}

/** Returns the rows of a table of groups, the head first: a row for each group, with a column for each variable. */
export function longTable({ by }: Grouping, groups: readonly Group[]): string[][] {
  return [
    [...by, "mean", "n", "min..max"],
    ...groups.map((group) => {
      const range = group.n === 0 ? "" : `${shortNumber(group.min)}..${shortNumber(group.max)}`;
      return [...group.values, meanOf(group), String(group.n), range];
    }),
  ];
}

/** Returns the rows of a table with a row for each value of the first variable, and a column for each of the second. */
export function crossTable({ by: [x, y] }: Grouping, groups: readonly Group[]): string[][] {
  const distinct = (at: number): string[] =>
    [...new Set(groups.map(({ values }) => values[at]!))].sort(compareValues);
  const cells = new Map(groups.map((group) => [group.values.join("\0"), group]));
  const columns = distinct(1);
  return [
    [x!, ...columns.map((value) => `${y!}=${value}`)],
    ...distinct(0).map((row) => [
      row,
      ...columns.map((column) => {
        const group = cells.get(`${row}\0${column}`);
        return group === undefined ? "" : `${meanOf(group)} (${group.n})`;
      }),
    ]),
  ];
}

function meanOf({ n, mean, halfWidth }: SampleSummary): string {
  if (n === 0) return "nan";
  return halfWidth === undefined ? shortNumber(mean) : `${shortNumber(mean)} ± ${shortNumber(halfWidth, 3)}`;
}

/** Returns a number with a few significant digits. */
function shortNumber(value: number, digits = 6): string {
  return String(Number(value.toPrecision(digits)));
}

/** Returns lines in CSV as RFC 4180 defines it, which end in CR LF. */
export function csv(rows: readonly (readonly (string | number | null | undefined)[])[]): string {
  const cell = (value: string | number | null | undefined): string => {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Returns the figures of a group by their names in CSV and JSON; unknown ones are null. */
export function figuresOf({ n, excluded, mean, halfWidth, standardDeviation, min, max }: SampleSummary) {
  const known = (value: number | undefined): number | null =>
    value === undefined || Number.isNaN(value) ? null : value;
  return {
    n,
    mean: known(mean),
    halfWidth: known(halfWidth),
    standardDeviation: known(standardDeviation),
    min: known(min),
    max: known(max),
    excluded,
  };
}
