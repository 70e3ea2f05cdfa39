import { compareValues, inBaseUnit, quantityIn } from "../../../model/quantities.ts";
import { summarizeSample, type SampleSummary } from "../../../model/statistics.ts";
import type { Row } from "../base/data.ts";
import { counted } from "../base/format.ts";

/** The values of one scalar by run. */
export interface Series {
  label: string;
  unit: string | null;
  values: ReadonlyMap<number, number>;
}

/** Names of variables; empty for none. */
export interface Axes {
  x: string;
  line: string;
  facet: string;
}

/** The runs with the same values of the variables of a figure. */
export interface Point {
  x: string;
  /** The value as a number in `FigureData.xUnit`; NaN if the axis has no numbers. */
  xNumber: number;
  summary: SampleSummary;
  /** Single values, also NaN and infinite ones. */
  values: number[];
}

export interface Line {
  label: string;
  /** The value of the variable for lines. */
  value: string;
  points: Point[];
}

export interface Facet {
  label: string;
  lines: Line[];
}

export interface FigureData {
  facets: Facet[];
  /** Values of the x axis in their order. */
  xValues: string[];
  /** Values of the variable for lines in their order. */
  lineValues: string[];
  hasNumbers: boolean;
  xUnit: string;
  yLabel: string;
  hasSeveralScalars: boolean;
  /** What a reader has to know about the figure. */
  notes: string[];
  /** Number of runs that are done and have no value of a scalar, although no other campaign has replaced their files. */
  missing: number;
}

export const REPETITION = "repetition";
/** The scalar or module as a variable. */
export const SCALAR = "scalar";

type Reader = (row: Row) => string;

/** Returns a function that reads the value of a variable. */
function readerOf(name: string, variables: readonly string[]): Reader {
  if (name === "") return () => "";
  if (name === REPETITION) return ({ repetition }) => `${repetition}`;
  const index = variables.findIndex((variable) => `$${variable}` === name);
  return ({ values }) => values[index] ?? "";
}

/** Returns the variables with several values, the most first, as axes are chosen. */
export function defaultAxes(rows: readonly Row[], variables: readonly string[]): Axes {
  const counts = variables
    .map((name, index) => {
      const values = new Set(rows.map((row) => row.values[index] ?? ""));
      return { name: `$${name}`, values: values.size, hasNumbers: scaleOf([...values]).hasNumbers };
    })
    .filter(({ values }) => values > 1);
  const [x] = counts.toSorted((a, b) => Number(b.hasNumbers) - Number(a.hasNumbers) || b.values - a.values);
  const line = counts.find(({ name }) => name !== x?.name);
  return { x: x?.name ?? REPETITION, line: line?.name ?? "", facet: "" };
}

/** The values of a line by those of the x axis. */
interface LineGroup {
  label: string;
  value: string;
  points: Map<string, number[]>;
}

/** Returns what a figure shows: the mean of each scalar by the values of variables. */
export function figureData(
  rows: readonly Row[],
  variables: readonly string[],
  series: readonly Series[],
  axes: Axes,
): FigureData {
  const [readX, readLine, readFacet] = [axes.x, axes.line, axes.facet].map((name) =>
    readerOf(name, variables),
  );
  const xValues = distinct(rows, readX!);
  const lineValues = distinct(rows, readLine!);
  const scale = scaleOf(xValues);
  const facets = new Map<string, Map<string, LineGroup>>();
  for (const { label: scalar, unit, values } of series)
    for (const row of rows) {
      const value = values.get(row.runNumber);
      if (value === undefined) continue;
      const [x, line] = [readX!(row), readLine!(row)];
      const isByScalar = axes.facet === SCALAR;
      const lines = ofKey(
        facets,
        isByScalar ? withUnit(scalar, unit) : readFacet!(row),
        (): Map<string, LineGroup> => new Map(),
      );
      const parts = [
        axes.line === "" ? "" : `${plain(axes.line)}=${line}`,
        series.length > 1 && !isByScalar ? scalar : "",
      ];
      const label = parts.filter((part) => part !== "").join(", ");
      const { points } = ofKey(lines, label, (): LineGroup => ({ label, value: line, points: new Map() }));
      ofKey(points, x, (): number[] => []).push(value);
    }
  return {
    facets: [...facets]
      .sort(([a], [b]) => compareValues(a, b))
      .map(([value, lines]) => ({
        label: axes.facet === "" ? "" : axes.facet === SCALAR ? value : `${plain(axes.facet)}=${value}`,
        lines: [...lines.values()]
          .sort((a, b) => compareValues(a.value, b.value) || compareValues(a.label, b.label))
          .map((line) => ({ ...line, points: pointsOf(line.points, xValues, scale) })),
      })),
    xValues,
    lineValues,
    ...scale,
    yLabel: yLabelOf(series),
    hasSeveralScalars: series.length > 1,
    notes: notesOn(rows, variables, series, axes),
    missing: missingValues(rows, series),
  };
}

/** Returns a variable's name without the `$`. */
export function plain(name: string): string {
  return name.replace(/^\$/, "");
}

function ofKey<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

function distinct(rows: readonly Row[], read: Reader): string[] {
  return [...new Set(rows.map(read))].sort(compareValues);
}

interface Scale {
  hasNumbers: boolean;
  xUnit: string;
  toNumber: (text: string) => number;
}

/** Returns whether values are finite numbers of one kind, and their unit. */
function scaleOf(values: readonly string[]): Scale {
  const quantities = values.map(quantityIn);
  const [first] = quantities;
  const isSame = quantities.every((each) => each?.unit === first?.unit);
  const inUnit = isSame ? quantities : quantities.map((each) => each && inBaseUnit(each));
  const unit = inUnit[0]?.unit;
  const hasNumbers =
    unit !== undefined && inUnit.every((each) => each?.unit === unit && Number.isFinite(each.value));
  const numbers = new Map(values.map((value, index) => [value, inUnit[index]?.value ?? NaN]));
  return {
    hasNumbers,
    xUnit: hasNumbers ? unit : "",
    toNumber: (text) => (hasNumbers ? numbers.get(text)! : NaN),
  };
}

function pointsOf(points: ReadonlyMap<string, number[]>, xValues: readonly string[], scale: Scale): Point[] {
  return xValues.flatMap((x) => {
    const values = points.get(x);
    return values === undefined
      ? []
      : [{ x, xNumber: scale.toNumber(x), values, summary: summarizeSample(values) }];
  });
}

function yLabelOf(series: readonly Series[]): string {
  const units = new Set(series.map(({ unit }) => unit ?? ""));
  const [unit] = units;
  const name = series.length === 1 ? series[0]!.label : "value";
  return units.size === 1 ? withUnit(name, unit) : name;
}

function withUnit(name: string, unit: string | null | undefined): string {
  return unit === "" || unit === null || unit === undefined ? name : `${name} [${unit}]`;
}

function notesOn(
  rows: readonly Row[],
  variables: readonly string[],
  series: readonly Series[],
  axes: Axes,
): string[] {
  const units = new Set(series.map(({ unit }) => unit ?? "no unit"));
  const mixed = mixedVariables(rows, variables, axes);
  const all = series.flatMap(({ values }) => rows.map(({ runNumber }) => values.get(runNumber)));
  const excluded = all.filter((value) => value !== undefined && !Number.isFinite(value)).length;
  return [
    mixed.length > 0 &&
      `A point combines runs with different values of ${mixed.map(plain).join(", ")}: choose them as lines or facets, or filter.`,
    units.size > 1 && axes.facet !== SCALAR && `The scalars have different units: ${[...units].join(", ")}.`,
    excluded > 0 && `${counted(excluded, "value")} NaN or infinite: not included in the means.`,
  ].filter((note) => note !== false);
}

function missingValues(rows: readonly Row[], series: readonly Series[]): number {
  const done = rows.filter(({ state, supersededBy }) => state === "done" && supersededBy === null);
  const missing = series.map(({ values }) => done.filter(({ runNumber }) => !values.has(runNumber)).length);
  return missing.reduce((one, other) => Math.max(one, other), 0);
}

/** Returns the variables that differ between runs of the same point. */
function mixedVariables(rows: readonly Row[], variables: readonly string[], axes: Axes): string[] {
  const used = [axes.x, axes.line, axes.facet].filter((name) => name !== "" && name !== SCALAR);
  const readers = used.map((name) => readerOf(name, variables));
  const others = variables.map((name) => `$${name}`).filter((name) => !used.includes(name));
  return others.filter((name) => {
    const read = readerOf(name, variables);
    const values = new Map<string, string>();
    return rows.some((row) => {
      const key = readers.map((reader) => reader(row)).join("\0");
      const [value, known] = [read(row), values.get(key)];
      values.set(key, value);
      return known !== undefined && known !== value;
    });
  });
}
