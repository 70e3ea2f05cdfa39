import { nearest } from "../../../model/near.ts";

export type Operator = ":" | "=" | "!=" | "<=" | ">=" | "<" | ">";

/** A condition of a query. A run matches a query if it fulfils all of its conditions. */
export interface Term {
  /** Undefined if the text may occur anywhere. */
  field: string | undefined;
  operator: Operator;
  /** Alternatives: at least one. */
  values: string[];
  /** Whether a run that fulfils the condition does not match. */
  isNegated: boolean;
  /** The place in the text of the query. */
  start: number;
  end: number;
}

export interface Query {
  terms: Term[];
  /** What is wrong with the query, and what to do. These conditions are ignored. */
  problems: string[];
}

const OPERATOR = /:|!=|<=|>=|=|<|>/y;
const FIELD = /(\$?[\p{L}\p{N}_.]+)(?::|!=|<=|>=|=|<|>)/uy;
const VALUE = /(?:"(?:[^"\\]|\\.)*"?|[^\s"])*/y;
/** Names that are read without knowing them. */
const PLAIN_NAME = /^\$?[\p{L}\p{N}_.]+$/u;

/**
 * Parses a query such as `state:failed numHosts>=15 error:"not found" -queue`. Words without a field match anywhere;
 * a minus excludes; commas separate alternatives, unless the value is in quotes.
 * @param fields names of the fields that exist.
 */
export function parseQuery(text: string, fields: ReadonlySet<string>): Query {
  const query: Query = { terms: [], problems: [] };
  const others = [...fields].filter((name) => !PLAIN_NAME.test(name)).sort((a, b) => b.length - a.length);
  for (let at = 0; ;) {
    at += /^\s*/.exec(text.slice(at))![0].length;
    if (at >= text.length) return query;
    const { name, operator, value, isNegated, end } = termAt(text, at, others);
    const term = { start: at, end, isNegated };
    at = Math.max(at + 1, end);
    if (name === undefined) {
      if (value !== "")
        query.terms.push({ ...term, field: undefined, operator: ":", values: [unquoted(value)] });
      continue;
    }
    const field = findField(name, fields);
    if (field === undefined) query.problems.push(unknownField(name, fields));
    else if (value !== "") query.terms.push({ ...term, field, operator, values: alternativesIn(value) });
    else query.problems.push(`${name}${operator} needs a value`);
  }
}

interface ReadTerm {
  /** Undefined if there is none. */
  name: string | undefined;
  operator: Operator;
  value: string;
  isNegated: boolean;
  end: number;
}

/** Returns the condition at a place. @param others fields whose names contain anything, such as `delay:mean`. */
function termAt(text: string, at: number, others: readonly string[]): ReadTerm {
  const isNegated = text[at] === "-";
  const start = isNegated ? at + 1 : at;
  const other = others.find((name) => {
    const isHere = text.slice(start, start + name.length).toLowerCase() === name.toLowerCase();
    return isHere && matchAt(OPERATOR, text, start + name.length) !== undefined;
  });
  const name = other ?? matchAt(FIELD, text, start)?.[1];
  const operator = name === undefined ? ":" : matchAt(OPERATOR, text, start + name.length)![0];
  const from = name === undefined ? start : start + name.length + operator.length;
  const value = matchAt(VALUE, text, from)![0];
  return { name, operator: operator as Operator, value, isNegated, end: from + value.length };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function findField(name: string, fields: ReadonlySet<string>): string | undefined {
  const known = [name, `$${name}`].find((each) => fields.has(each));
  const lower = name.toLowerCase();
  return known ?? [...fields].find((field) => [lower, `$${lower}`].includes(field.toLowerCase()));
}

function unknownField(name: string, fields: ReadonlySet<string>): string {
  const [similar] = nearest(name, fields);
  const advice =
    similar === undefined
      ? `a text is searched for in quotes: "${name}:…"`
      : `did you mean ${similar.replace(/^\$/, "")}?`;
  return `unknown field ${name}; ${advice}`;
}

function alternativesIn(value: string): string[] {
  const parts = value.match(/(?:"(?:[^"\\]|\\.)*"?|[^",])+/g) ?? [];
  return parts.map(unquoted).filter((part) => part !== "");
}

function unquoted(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"?/g, (_, inner: string) => inner.replace(/\\(.)/g, "$1"));
}

/** Returns a condition as it is written in a query. */
export function termText(field: string, operator: Operator, ...values: string[]): string {
  return `${field.replace(/^\$/, "")}${operator}${values.map(quoted).join(",")}`;
}

function quoted(value: string): string {
  return value !== "" && /^[^\s",]*$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** Returns a query in which the conditions for some fields are replaced by others. */
export function replaceTerms(
  text: string,
  fields: ReadonlySet<string>,
  terms: Readonly<Record<string, string>>,
): string {
  const replaced = new Set(Object.keys(terms).map((name) => findField(name, fields)));
  const kept = parseQuery(text, fields)
    .terms.filter(({ field }) => field === undefined || !replaced.has(field))
    .map(({ start, end }) => text.slice(start, end));
  return [...kept, ...Object.values(terms).filter((term) => term !== "")].join(" ");
}
