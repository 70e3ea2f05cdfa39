import { errorKind } from "../../../model/failure-groups.ts";
import {
  compareTexts,
  compareValues,
  inBaseUnit,
  quantityIn,
  type Quantity,
} from "../../../model/quantities.ts";
import type { Row } from "../base/data.ts";
import { kindOf } from "../base/states.ts";
import type { Operator, Query, Term } from "./query.ts";
import type { ScalarColumn } from "./scalar-columns.ts";

/** A property of a run by which runs are filtered and sorted. */
export interface Field {
  /** As in a query; iteration variables begin with `$`, and may be written without it. */
  name: string;
  /** The value in a query's form: a number may have a unit. Undefined if it is unknown. */
  text: (row: Row) => string | undefined;
  /** A number by which to sort instead of the text. */
  number?: (row: Row) => number | null;
}

function numeric(name: string, number: (row: Row) => number | null, unit = ""): Field {
  const text = (row: Row): string | undefined => {
    const value = number(row);
    return value === null ? undefined : `${value}${unit}`;
  };
  return { name, number, text };
}

/** Returns the present number of ms of a run that is running. */
type Elapsed = (row: Row) => number | null;

/** Returns the duration of a run, also of one that is running. @param now in ms since 1970. */
export function elapsedAt(now: number): Elapsed {
  return ({ wallTimeMs, state, startedAt }) =>
    wallTimeMs ?? (state === "running" && startedAt !== null ? Math.max(0, now - startedAt) : null);
}

/** Returns the fields of runs by name. */
export function fieldsOf(
  variables: readonly string[],
  elapsed: Elapsed,
  scalars: readonly ScalarColumn[] = [],
): Map<string, Field> {
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  const fields: Field[] = [
    numeric("run", ({ runNumber }) => runNumber),
    { name: "state", text: ({ state }) => state },
    ...variables.map((name, index): Field => ({ name: `$${name}`, text: ({ values }) => values[index] })),
    numeric("repetition", ({ repetition }) => repetition),
    numeric("time", (row) => seconds(elapsed(row)), "s"),
    numeric("cpu", ({ cpuTimeMs }) => seconds(cpuTimeMs), "s"),
    numeric("memory", ({ memoryBytes }) => memoryBytes, "B"),
    numeric("rate", ({ eventsPerSecond }) => eventsPerSecond),
    ...scalars.map(scalarField),
    { name: "error", text: ({ error }) => error ?? undefined },
    { name: "superseded", text: ({ supersededBy }) => supersededBy ?? undefined },
  ];
  return new Map(fields.map((field) => [field.name, field]));
}

/** Returns the field of a scalar. Its unit counts if it is one that can be converted. */
function scalarField({ field, unit, values }: ScalarColumn): Field {
  const known = unit !== null && quantityIn(`1${unit}`)?.unit === unit ? unit : "";
  const number = ({ runNumber }: Row): number | null => {
    const value = values.get(runNumber);
    return value === undefined || Number.isNaN(value) ? null : value;
  };
  const text = ({ runNumber }: Row): string | undefined => {
    const value = values.get(runNumber);
    return value === undefined ? undefined : `${value} ${known}`; // the space is needed after Infinity
  };
  return { name: field, number, text };
}

/** Returns a function that decides whether a run matches a query. */
export function matcherOf(
  { terms }: Query,
  fields: ReadonlyMap<string, Field>,
  variables: readonly string[],
): (row: Row) => boolean {
  const conditions = terms.map((term) => {
    const fulfils = conditionOf(term, fields, variables);
    return (row: Row): boolean => fulfils(row) !== term.isNegated;
  });
  return (row) => conditions.every((condition) => condition(row));
}

function conditionOf(
  { field: name, operator, values }: Term,
  fields: ReadonlyMap<string, Field>,
  variables: readonly string[],
): (row: Row) => boolean {
  const field = name === undefined ? undefined : fields.get(name);
  if (field === undefined) {
    const part = values[0]!.toLowerCase();
    return (row) => everythingOf(row, variables).includes(part);
  }
  const tests = values.map((value) => testOf(field.name, operator, value));
  const isExclusion = operator === "!=";
  return (row) => {
    const text = field.text(row);
    if (text === undefined) return isExclusion;
    return isExclusion ? tests.every((test) => test(text)) : tests.some((test) => test(text));
  };
}

/** Returns all that is known about a run as one text in lower case. */
function everythingOf(row: Row, variables: readonly string[]): string {
  const { runNumber, state, values, repetition, error, supersededBy } = row;
  const assignments = variables.map((name, index) => `${name}=${values[index] ?? ""}`);
  const parts = [`#${runNumber}`, state, ...assignments, `repetition=${repetition}`, error, supersededBy];
  return parts.filter(Boolean).join("\n").toLowerCase();
}

type Test = (text: string) => boolean;

function testOf(field: string, operator: Operator, wanted: string): Test {
  if (field === "state") return stateTest(operator, wanted);
  if (field === "error") return errorTest(operator, wanted);
  const quantity = baseQuantityIn(wanted);
  if (operator === ":") {
    const part = wanted.toLowerCase();
    return (text) =>
      quantity === undefined ? text.toLowerCase().includes(part) : isEqual(text, wanted, quantity);
  }
  if (operator === "=") return (text) => isEqual(text, wanted, quantity);
  if (operator === "!=") return (text) => !isEqual(text, wanted, quantity);
  return (text) => {
    const order = orderOf(text, quantity);
    if (order === undefined) return false;
    return operator[0] === "<"
      ? order < 0 || (order === 0 && operator === "<=")
      : order > 0 || (order === 0 && operator === ">=");
  };
}

/** `state:failed` matches all kinds of failures, `state=failed` only the simulation's own. */
function stateTest(operator: Operator, wanted: string): Test {
  const state = wanted.toLowerCase();
  if (operator === ":") return (text) => text === state || kindOf(text) === state;
  return (text) => (text === state) === (operator === "=");
}

/** `error:TEXT` matches a part, `error=TEXT` the same error, whatever numbers differ from run to run. */
function errorTest(operator: Operator, wanted: string): Test {
  const part = wanted.toLowerCase();
  if (operator === ":") return (text) => text.toLowerCase().includes(part);
  const kind = errorKind(wanted);
  return (text) => (errorKind(text) === kind) === (operator === "=");
}

/** Parsed values: a study has few different ones in many runs. */
const quantities = new Map<string, Quantity | undefined>();
const MOST_QUANTITIES = 100_000;

function baseQuantityIn(text: string): Quantity | undefined {
  if (quantities.has(text)) return quantities.get(text);
  const quantity = quantityIn(text);
  const inBase = quantity && inBaseUnit(quantity);
  if (quantities.size >= MOST_QUANTITIES) quantities.clear();
  quantities.set(text, inBase);
  return inBase;
}

function isEqual(text: string, wanted: string, quantity: Quantity | undefined): boolean {
  return text === wanted || orderOf(text, quantity) === 0;
}

/** Relative difference below which two numbers are equal: units are converted. */
const ROUNDING = 1e-12;

/**
 * Returns whether a value is less than (-1), equal to (0) or greater than (1) a quantity; undefined if they cannot be
 * compared. A number without a unit is compared with the value in its base unit.
 */
function orderOf(text: string, wanted: Quantity | undefined): -1 | 0 | 1 | undefined {
  const own = baseQuantityIn(text);
  if (own === undefined || wanted === undefined) return undefined;
  if (wanted.unit !== "" && own.unit !== wanted.unit) return undefined;
  if (own.value === wanted.value) return 0;
  const difference = own.value - wanted.value;
  if (Number.isNaN(difference)) return undefined;
  if (Math.abs(difference) <= ROUNDING * Math.abs(wanted.value)) return 0;
  return difference < 0 ? -1 : 1;
}

/**
 * Sorts runs by a field, those with equal values by their numbers. Unknown values come last in both directions.
 * @returns a new array.
 */
export function sortRows(rows: readonly Row[], field: Field, isDescending: boolean): Row[] {
  const sign = isDescending ? -1 : 1;
  const keys = field.number ?? ranks(rows, field);
  const keyed = rows.map((row) => ({ row, key: keys(row) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      if (a.key !== b.key) return a.key === null ? 1 : -1;
    } else if (a.key !== b.key) return sign * (a.key - b.key);
    return a.row.runNumber - b.row.runNumber;
  });
  return keyed.map(({ row }) => row);
}

/** Returns a function that gives the rank of a run's value among all: comparing texts each time would be slow. */
function ranks(rows: readonly Row[], { text, name }: Field): (row: Row) => number | null {
  const values = new Set(rows.map(text).filter((value) => value !== undefined));
  const compare = name.startsWith("$") ? compareValues : compareTexts;
  const ranked = new Map([...values].sort(compare).map((value, index) => [value, index]));
  return (row) => {
    const value = text(row);
    return value === undefined ? null : ranked.get(value)!;
  };
}
