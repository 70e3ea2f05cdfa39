/** An expression of metric math. `REPEAT`, as the filler of FILL, is an id. */
export type Expression =
  | { type: "number"; value: number }
  | { type: "id"; name: string }
  | { type: "call"; name: string; parameters: Expression[] }
  | { type: "operation"; operator: string; left: Expression; right: Expression };

/** How tightly operators bind: the higher, the tighter. Operators of one level are taken from left to right. */
export type Precedence = Record<string, number>;

const levels = (...groups: string[]): Precedence =>
  Object.fromEntries(
    groups.flatMap((group, level) => group.split(" ").map((operator) => [operator, level] as const)),
  );

/**
 * What CloudWatch could mean, since "Using math expressions with CloudWatch metrics" lists the operators without their
 * precedence: that of C, that of Pascal, or none.
 */
export const PRECEDENCES: Record<string, Precedence> = {
  "as in C": levels("OR", "AND", "== !=", "< <= > >=", "+ -", "* /"),
  "as in Pascal": levels("== != < <= > >=", "+ - OR", "* / AND"),
  "from left to right": levels("OR AND == != < <= > >= + - * /"),
};

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z]\w*)|([<>=!]=|&&|\|\||[-+*/<>(),]))/y;
const SYNONYMS: Record<string, string> = { "&&": "AND", "||": "OR" };

/** Parses the part of metric math that alarms need: numbers, ids, operators, functions and parentheses. */
export function parseExpression(text: string, precedence: Precedence): Expression {
  const tokens = tokenize(text);
  let next = 0;
  const expect = (token: string): void => {
    if (tokens[next++] !== token) throw new Error(`metric math: ${token} expected in: ${text}`);
  };

  const parseOperations = (lowest: number): Expression => {
    let left = parseOperand();
    for (;;) {
      const operator = tokens[next] ?? "";
      const level = precedence[operator] ?? -1;
      if (level < lowest) return left;
      next++;
      left = { type: "operation", operator, left, right: parseOperations(level + 1) };
    }
  };

  const parseOperand = (): Expression => {
    const token = tokens[next++] ?? "";
    if (token === "(") {
      const inner = parseOperations(0);
      expect(")");
      return inner;
    }
    if (/^\d/.test(token)) return { type: "number", value: Number(token) };
    if (!/^[A-Za-z]/.test(token)) throw new Error(`metric math: unexpected "${token}" in: ${text}`);
    return tokens[next] === "(" ? parseCall(token) : { type: "id", name: token };
  };

  const parseCall = (name: string): Expression => {
    const parameters: Expression[] = [];
    do {
      next++;
      parameters.push(parseOperations(0));
    } while (tokens[next] === ",");
    expect(")");
    return { type: "call", name, parameters };
  };

  const expression = parseOperations(0);
  if (next < tokens.length) throw new Error(`metric math: unexpected "${tokens[next]}" in: ${text}`);
  return expression;
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`metric math: cannot read: ${text.slice(at)}`);
    const token = match[0].trim();
    tokens.push(SYNONYMS[token] ?? token);
  }
  return tokens;
}
