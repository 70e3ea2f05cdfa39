import { OppError } from "./errors.js";

/** @typedef {number | string | boolean} Value */

/** Factors to the base unit of each kind: seconds, hertz, bits per second, bytes. @type {Record<string, number>} */
const UNITS = {
  ...{ ps: 1e-12, ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86400 },
  ...{ Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9 },
  ...{ bps: 1, kbps: 1e3, Mbps: 1e6, Gbps: 1e9 },
  ...{ b: 0.125, B: 1, kB: 1e3, KiB: 1024, MB: 1e6, MiB: 1048576, GiB: 1073741824, m: 1, km: 1000 },
};

const TOKEN =
  /\s*(?:(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)(?:\s*([a-zA-Z]+))?|"((?:[^"\\]|\\.)*)"|([A-Za-z_][\w.]*)|(\|\||##|&&|==|!=|<=|>=|=~|[-+*/%^()<>!?:,=]))/y;

/** Binary operators by how tightly they bind. @type {Record<string, number>} */
const PRECEDENCE = {
  ...{ "||": 1, "##": 2, "&&": 3, "==": 4, "=": 4, "!=": 4, "=~": 4, "<": 5, ">": 5, "<=": 5, ">=": 5 },
  ...{ "+": 6, "-": 6, "*": 7, "/": 7, "%": 7, "^": 8 },
};

/** @typedef {{ kind: "number" | "string" | "name" | "operator" | "end", text: string, value: Value }} Token */

/** @param {string} text @returns {Token[]} */
function tokenize(text) {
  /** @type {Token[]} */
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) throw new OppError(`Parse error in expression '${text}': syntax error`);
    const [, number, unit, string, name, operator] = match;
    if (number !== undefined) {
      const factor = unit === undefined ? 1 : UNITS[unit];
      if (factor === undefined) throw new OppError(`Parse error in expression '${text}': syntax error`);
      tokens.push({ kind: "number", text: number, value: Number(number) * factor });
    } else if (string !== undefined) {
      tokens.push({ kind: "string", text: string, value: string.replace(/\\(.)/g, "$1") });
    } else if (name !== undefined) tokens.push({ kind: "name", text: name, value: name });
    else tokens.push({ kind: "operator", text: operator ?? "", value: "" });
  }
  tokens.push({ kind: "end", text: "", value: "" });
  return tokens;
}

/** @param {string} operator @param {Value} a @param {Value} b @returns {Value} */
function binary(operator, a, b) {
  switch (operator) {
    case "||":
      return Boolean(a) || Boolean(b);
    case "&&":
      return Boolean(a) && Boolean(b);
    case "##":
      return Boolean(a) !== Boolean(b);
    case "=":
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    case "=~":
      if (typeof a !== "string" || typeof b !== "string")
        throw new OppError("operator '=~': String operands expected for '=~'");
      return patternToRegExp(b).test(a);
    case "+":
      return typeof a === "string" || typeof b === "string" ? String(a) + String(b) : Number(a) + Number(b);
    case "-":
      return Number(a) - Number(b);
    case "*":
      return Number(a) * Number(b);
    case "/":
      return Number(a) / Number(b);
    case "%":
      return Number(a) % Number(b);
    default:
      return Number(a) ** Number(b);
  }
}

/** @type {Record<string, (...numbers: number[]) => number>} */
const FUNCTIONS = {
  ...{ abs: Math.abs, ceil: Math.ceil, floor: Math.floor, sqrt: Math.sqrt, exp: Math.exp, log: Math.log },
  ...{ log10: Math.log10, log2: Math.log2, min: Math.min, max: Math.max, pow: Math.pow, round: Math.round },
  ...{ sin: Math.sin, cos: Math.cos, tan: Math.tan },
};

/**
 * Parses the whole expression before it evaluates anything, like OMNeT++: a syntax error comes first.
 * @param {string} text
 * @returns {Value}
 * @throws {OppError} with OMNeT++'s message
 */
export function evaluate(text) {
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => /** @type {Token} */ (tokens[at]);
  const syntaxError = () => new OppError(`Parse error in expression '${text}': syntax error`);
  /** @param {string} operator */
  const accept = (operator) => {
    if (peek().kind !== "operator" || peek().text !== operator) return false;
    at++;
    return true;
  };
  /** @param {string} operator */
  const expect = (operator) => {
    if (!accept(operator)) throw syntaxError();
  };

  /** @returns {() => Value} */
  function ternary() {
    const condition = operation(1);
    if (!accept("?")) return condition;
    const yes = ternary();
    expect(":");
    const no = ternary();
    return () => (condition() ? yes() : no());
  }
  /** @param {number} lowest @returns {() => Value} */
  function operation(lowest) {
    let left = unary();
    for (;;) {
      const operator = peek().text;
      const precedence = peek().kind === "operator" ? PRECEDENCE[operator] : undefined;
      if (precedence === undefined || precedence < lowest) return left;
      at++;
      const right = operation(operator === "^" ? precedence : precedence + 1);
      const before = left;
      left = () => binary(operator, before(), right());
    }
  }
  /** @returns {() => Value} */
  function unary() {
    if (accept("-")) {
      const operand = unary();
      return () => -Number(operand());
    }
    if (accept("!")) {
      const operand = unary();
      return () => !operand();
    }
    return primary();
  }
  /** @returns {() => Value} */
  function primary() {
    const token = peek();
    if (accept("(")) {
      const inner = ternary();
      expect(")");
      return inner;
    }
    at++;
    if (token.kind === "number" || token.kind === "string") return () => token.value;
    if (token.kind !== "name") throw syntaxError();
    if (token.text === "true" || token.text === "false") return () => token.text === "true";
    if (accept("(")) return call(token.text);
    return () => {
      throw new OppError(`No such variable: '${token.text}'`);
    };
  }
  /** @param {string} name @returns {() => Value} */
  function call(name) {
    /** @type {(() => Value)[]} */
    const operands = [];
    if (!accept(")")) {
      do operands.push(ternary());
      while (accept(","));
      expect(")");
    }
    return () => {
      const implementation = FUNCTIONS[name];
      if (!implementation)
        throw new OppError(`No '${name}' function accepting ${operands.length} argument(s) was found`);
      return implementation(...operands.map((operand) => Number(operand())));
    };
  }

  const root = ternary();
  if (peek().kind !== "end") throw syntaxError();
  try {
    return root();
  } catch (error) {
    if (!(error instanceof OppError)) throw error;
    throw new OppError(`Cannot evaluate expression '${text}': ${error.message}`);
  }
}

/** @param {string} text a quantity such as `100s` @returns {number} in the base unit */
export function quantity(text) {
  return Number(evaluate(text));
}

/**
 * The patterns of ini keys: `*` stops at a dot, `**` does not, `{a-f}` and `[2..5]` as in the manual.
 * @param {string} pattern
 */
export function patternToRegExp(pattern) {
  const source = pattern.replace(/\*\*|\*|\?|\{[^}]*\}|\[\d*\.\.\d*\]|[.+^$()|[\]\\]/g, (part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^.]*";
    if (part === "?") return "[^.]";
    if (part.startsWith("{")) return `[${part.slice(1, -1)}]`;
    const range = /^\[(\d*)\.\.(\d*)\]$/.exec(part);
    if (range) return `\\[(?:${numbers(Number(range[1] ?? 0), Number(range[2] === "" ? 999 : range[2]))})\\]`;
    return `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

/** @param {number} from @param {number} to */
function numbers(from, to) {
  return Array.from(
    { length: Math.max(0, Math.min(to - from + 1, 10_000)) },
    (_, index) => from + index,
  ).join("|");
}
