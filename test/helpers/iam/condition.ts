import { matchesArn, matchesPattern, type Conditions } from "./policy.ts";

/** What is known of a request, by condition keys; a list is the value of a key that may have several. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

type Compare = (wanted: string, actual: string) => boolean;

const equals: Compare = (wanted, actual) => wanted === actual;
const COMPARISONS: Record<string, Compare> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: (wanted, actual) => wanted.toLowerCase() === actual.toLowerCase(),
  StringLike: (wanted, actual) => matchesPattern(wanted, actual),
  ArnEquals: matchesArn,
  ArnLike: matchesArn,
  Bool: (wanted, actual) => wanted.toLowerCase() === actual.toLowerCase(),
};

/**
 * Returns the conditions that a request does not fulfil, as `operator key`; none if all hold.
 * @see IAM User Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys or
 *   values".
 */
export function unmetConditions(conditions: Conditions | undefined, context: Context): string[] {
  return Object.entries(conditions ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys)
      .filter(([key, values]) => !holds(operator, [values].flat(), lookUp(context, key)))
      .map(([key, values]) => `${operator} ${key} ${[values].flat().join("|")}`),
  );
}

/** Names of keys do not depend on case. */
function lookUp(context: Context, key: string): readonly string[] | undefined {
  const found = Object.keys(context).find((name) => name.toLowerCase() === key.toLowerCase());
  return found === undefined ? undefined : [context[found]!].flat();
}

function holds(operator: string, wanted: readonly string[], actual: readonly string[] | undefined): boolean {
  const [, set, name = "", ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  if (name === "Null") return wanted.some((value) => (value === "true") === (actual === undefined));
  const isNegated = /^(String|Arn)Not/.test(name);
  const compare = COMPARISONS[name.replace(/^(String|Arn)Not/, "$1")];
  if (compare === undefined) throw new Error(`the condition operator ${operator} is not modelled`);
  if (actual === undefined)
    return ifExists !== undefined || set === "ForAllValues" || (isNegated && set === undefined);
  const matches = (value: string): boolean => wanted.some((one) => compare(one, value)) !== isNegated;
  return set === "ForAllValues" ? actual.every(matches) : actual.some(matches);
}
