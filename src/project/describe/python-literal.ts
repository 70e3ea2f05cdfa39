/** A value that a Python literal can have. */
export type Literal = string | number | boolean | null | Literal[] | { [key: string]: Literal };

export interface LiteralCall {
  /** Name of the function that is called. */
  name: string;
  arguments: Map<string, Literal>;
}

/** A text is not a call with literal arguments. */
export class LiteralError extends Error {
  override name = "LiteralError";
  /** Counted from 1. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/**
 * Parses one call with keyword arguments whose values are literals, such as `SimulationProject(name="inet")`.
 * Nothing is evaluated: whatever is not a literal is an error.
 * @throws {LiteralError}
 * @see Python's ast.literal_eval; Python Language Reference, "Lexical analysis".
 */
export function parseLiteralCall(text: string): LiteralCall {
  const parser = new Parser(tokenize(text));
  const call = parser.call();
  parser.expectEnd();
  return call;
}

interface Token {
  kind: "name" | "string" | "number" | "mark" | "end";
  text: string;
  line: number;
}

const TOKEN = new RegExp(
  [
    /(?<space>[\s\f]+|#[^\n]*|\\\r?\n)/,
    /(?<raw>[rR])?(?<string>"""(?:[^\\]|\\.)*?"""|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/,
    /(?<number>[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/,
    /(?<name>[A-Za-z_]\w*)/,
    /(?<mark>[()[\]{},:=])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "sy",
);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let offset = 0; offset < text.length; offset = TOKEN.lastIndex) {
    TOKEN.lastIndex = offset;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined)
      throw new LiteralError(`${JSON.stringify(text.charAt(offset))} is not a literal`, line);
    const { string, number, name, mark } = groups;
    if (string !== undefined) {
      tokens.push({ kind: "string", text: unquote(string, groups["raw"] !== undefined), line });
    } else if (number !== undefined) tokens.push({ kind: "number", text: number.replaceAll("_", ""), line });
    else if (name !== undefined) tokens.push({ kind: "name", text: name, line });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark, line });
    line += text.slice(offset, TOKEN.lastIndex).split("\n").length - 1;
  }
  return [...tokens, { kind: "end", text: "the end", line }];
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", "\n": "" };

function unquote(quoted: string, raw: boolean): string {
  const quotes = /^("""|'''|"|')/.exec(quoted)![0].length;
  const inner = quoted.slice(quotes, -quotes);
  return raw ? inner : inner.replaceAll(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char);
}

const CONSTANTS = new Map<string, Literal>([
  ["True", true],
  ["False", false],
  ["None", null],
]);

/** Python's own limit is 200 brackets. */
const DEEPEST = 200;

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  call(): LiteralCall {
    const name = this.#take("name");
    const found = new Map<string, Literal>();
    this.#takeMark("(");
    this.#list(")", () => {
      const key = this.#take("name");
      this.#takeMark("=");
      found.set(key, this.#value());
    });
    return { name, arguments: found };
  }

  expectEnd(): void {
    this.#take("end");
  }

  #value(): Literal {
    const token = this.#next();
    if (this.#depth > DEEPEST) throw new LiteralError("brackets are nested too deeply", token.line);
    this.#depth++;
    try {
      return this.#valueOf(token);
    } finally {
      this.#depth--;
    }
  }

  #valueOf(token: Token): Literal {
    if (token.kind === "string") return this.#adjacent(token.text);
    if (token.kind === "number") return Number(token.text);
    if (token.kind === "name" && CONSTANTS.has(token.text)) return CONSTANTS.get(token.text)!;
    if (token.text === "[" || token.text === "(") return this.#items(token.text === "[" ? "]" : ")");
    if (token.text === "{") return this.#dictionary();
    throw new LiteralError(`${token.text} is not a literal`, token.line);
  }

  /** Returns a string with those that follow it: adjacent strings are one string. */
  #adjacent(text: string): string {
    let joined = text;
    while (this.#peek().kind === "string") joined += this.#next().text;
    return joined;
  }

  #items(end: string): Literal[] {
    const items: Literal[] = [];
    this.#list(end, () => items.push(this.#value()));
    return items;
  }

  #dictionary(): Literal {
    const entries: [string, Literal][] = [];
    this.#list("}", () => {
      const key = this.#value();
      this.#takeMark(":");
      entries.push([typeof key === "string" ? key : JSON.stringify(key), this.#value()]);
    });
    return Object.fromEntries(entries);
  }

  #list(end: string, item: () => void): void {
    while (this.#peek().text !== end) {
      item();
      if (this.#peek().text !== end) this.#takeMark(",");
    }
    this.#takeMark(end);
  }

  #peek(): Token {
    return this.#tokens[this.#position]!;
  }

  #next(): Token {
    const token = this.#peek();
    if (token.kind !== "end") this.#position++;
    return token;
  }

  #take(kind: Token["kind"]): string {
    const token = this.#next();
    if (token.kind === kind) return token.text;
    throw new LiteralError(`expected a ${kind}, found ${token.text}`, token.line);
  }

  #takeMark(mark: string): void {
    const token = this.#next();
    if (token.kind !== "mark" || token.text !== mark)
      throw new LiteralError(`expected ${mark}, found ${token.text}`, token.line);
  }
}
