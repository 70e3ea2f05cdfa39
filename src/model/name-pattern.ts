import { UserError } from "../errors.ts";

type Element =
  | { type: "literal"; text: string }
  | { type: "character" }
  | { type: "sequence"; matchesDots: boolean }
  | { type: "set"; ranges: [from: string, to: string][]; isNegated: boolean }
  | { type: "number"; from: number; to: number };

const NUMBER_RANGE = /^(\d*)\.\.(\d*)/;

/**
 * Returns a function that decides whether a whole name matches a pattern: `?` and `*` do not match dots, `**` does,
 * `{a-f}` and `{^a-f}` match one character, `{3..5}` and `[3..5]` match a number, and a backslash precedes a literal
 * character. The time for a name grows with the product of both lengths, whatever the pattern.
 * @throws {UserError} if a brace is not closed.
 * @see OMNeT++ Simulation Manual, "Configuring Simulations", "Using Wildcard Patterns".
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const elements = parse(pattern);
  return (name) => matches(elements, name);
}

function parse(pattern: string): Element[] {
  const elements: Element[] = [];
  let at = 0;
  const literal = (text: string): void => {
    const last = elements.at(-1);
    if (last?.type === "literal") last.text += text;
    else elements.push({ type: "literal", text });
  };
  const takeNumbers = (close: string): boolean => {
    const [all, from = "", to = ""] = NUMBER_RANGE.exec(pattern.slice(at + 1)) ?? [];
    if (all === undefined || pattern[at + 1 + all.length] !== close) return false;
    if (close === "]") literal("[");
    elements.push({ type: "number", from: Number(from), to: to === "" ? Infinity : Number(to) });
    if (close === "]") literal("]");
    at += all.length + 2;
    return true;
  };
  while (at < pattern.length) {
    const character = pattern[at]!;
    if (character === "?") {
      elements.push({ type: "character" });
      at++;
    } else if (character === "*") {
      const matchesDots = pattern[at + 1] === "*";
      elements.push({ type: "sequence", matchesDots });
      at += matchesDots ? 2 : 1;
    } else if (character === "{" && !takeNumbers("}")) {
      const end = endOfSet(pattern, at);
      elements.push(parseSet(pattern.slice(at + 1, end)));
      at = end + 1;
    } else if (character === "[" && !takeNumbers("]")) {
      literal(character);
      at++;
    } else if (character !== "{" && character !== "[") {
      const isEscape = character === "\\" && at + 1 < pattern.length;
      literal(isEscape ? pattern[at + 1]! : character);
      at += isEscape ? 2 : 1;
    }
  }
  return elements;
}

/** Returns the index of the brace that closes a set; as its first character, a closing brace is a member. */
function endOfSet(pattern: string, start: number): number {
  const first = pattern[start + 1] === "^" ? start + 2 : start + 1;
  const end = pattern.indexOf("}", first + 1);
  if (end < 0)
    throw new UserError(`the pattern ${JSON.stringify(pattern)} has a { without a }`, {
      hint: "write a backslash before a brace that is part of a name",
    });
  return end;
}

function parseSet(text: string): Element {
  const isNegated = text.startsWith("^");
  const ranges: [string, string][] = [];
  for (let at = isNegated ? 1 : 0; at < text.length;) {
    const isRange = text[at + 1] === "-" && at + 2 < text.length;
    ranges.push([text[at]!, isRange ? text[at + 2]! : text[at]!]);
    at += isRange ? 3 : 1;
  }
  return { type: "set", ranges, isNegated };
}

function matches(elements: readonly Element[], name: string): boolean {
  /** States that are still to be tried, and those of sequences that have been: only these can occur repeatedly. */
  const open: [element: number, at: number][] = [[0, 0]];
  const tried = new Set<number>();
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    let [index, at] = state;
    for (; index < elements.length; index++) {
      const element = elements[index]!;
      if (element.type === "sequence") {
        const key = index * (name.length + 1) + at;
        if (tried.has(key)) break;
        tried.add(key);
        if (at < name.length && (element.matchesDots || name[at] !== ".")) open.push([index, at + 1]);
        continue;
      }
      const next = endOf(element, name, at);
      if (next === undefined) break;
      at = next;
    }
    if (index === elements.length && at === name.length) return true;
  }
  return false;
}

/** Returns the index after the part of a name that an element matches; undefined if it does not match. */
function endOf(
  element: Exclude<Element, { type: "sequence" }>,
  name: string,
  at: number,
): number | undefined {
  if (element.type === "literal")
    return name.startsWith(element.text, at) ? at + element.text.length : undefined;
  const character = name[at];
  if (character === undefined) return undefined;
  switch (element.type) {
    case "character":
      return character === "." ? undefined : at + 1;
    case "set": {
      const isIn = element.ranges.some(([from, to]) => from <= character && character <= to);
      return isIn === element.isNegated ? undefined : at + 1;
    }
    case "number": {
      const [digits] = /^\d+/.exec(name.slice(at)) ?? [];
      if (digits === undefined) return undefined;
      const number = Number(digits);
      return element.from <= number && number <= element.to ? at + digits.length : undefined;
    }
  }
}

/** Returns a pattern that matches only one name. */
export function literalPattern(name: string): string {
  return name.replace(/[\\?*{[]/g, String.raw`\$&`);
}
