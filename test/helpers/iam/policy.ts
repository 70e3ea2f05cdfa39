/** A policy document of IAM, as far as this project uses it: without `Principal`, `NotAction` and `NotResource`. */
export interface PolicyDocument {
  Version?: string;
  Statement: Statement | Statement[];
}

export interface Statement {
  Sid?: string;
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource: string | string[];
  Condition?: Conditions;
}

/** Values by condition keys by operators. */
export type Conditions = Record<string, Record<string, string | string[]>>;

/** Returns the statements of a policy. @throws {Error} if it uses an element that the evaluator does not know. */
export function statementsOf({ Statement }: PolicyDocument): Statement[] {
  const statements = [Statement].flat();
  for (const statement of statements) {
    const unknown = Object.keys(statement).filter((name) => !ELEMENTS.includes(name));
    if (unknown.length > 0) throw new Error(`the element ${unknown.join(", ")} of a policy is not modelled`);
  }
  return statements;
}
const ELEMENTS = ["Sid", "Effect", "Action", "Resource", "Condition"];

/** Returns whether a text matches a pattern, in which * stands for any characters and ? for one. */
export function matchesPattern(pattern: string, text: string, ignoreCase = false): boolean {
  return expressionOf(pattern, ignoreCase).test(text);
}

const expressions = new Map<string, RegExp>();

function expressionOf(pattern: string, ignoreCase: boolean): RegExp {
  const key = `${ignoreCase}${pattern}`;
  const known = expressions.get(key);
  if (known !== undefined) return known;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^]");
  const expression = new RegExp(`^${source}$`, ignoreCase ? "i" : "");
  expressions.set(key, expression);
  return expression;
}

/**
 * Returns whether an ARN matches a pattern, of which each of the six parts may contain wildcards; they do not extend
 * beyond a colon, except in the last part.
 * @see IAM User Guide, "IAM JSON policy elements: Condition operators", "Amazon Resource Name (ARN) condition operators".
 */
export function matchesArn(pattern: string, arn: string): boolean {
  const [wanted, actual] = [pattern, arn].map((text) => {
    const parts = text.split(":");
    return [...parts.slice(0, 5), parts.slice(5).join(":")];
  });
  return wanted!.every((part, index) => matchesPattern(part, actual![index]!));
}
