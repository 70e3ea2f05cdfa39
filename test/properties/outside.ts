import fc from "fast-check";
import { expect } from "vitest";
import { UserError } from "../../src/errors.ts";

/** Another seed tests other inputs: `SEED=7 npm test`. */
export const SEED = Number(process.env["SEED"] ?? 16_003);
const CASES = 300;
/** CPU time. A parser takes well below a millisecond; one that backtracks takes minutes. */
const LIMIT_MS = 3000;

/** Checks a property for many inputs. */
export function always<T>(inputs: fc.Arbitrary<T>, check: (input: T) => unknown, cases = CASES): void {
  fc.assert(
    fc.property(inputs, (input) => void check(input)),
    { seed: SEED, numRuns: cases },
  );
}

/** Checks that a parser returns a value, or refuses with a `UserError`, quickly, and does not change the prototype of objects. */
export function answers<T>(
  parse: () => T,
  alsoThrown: new (...args: never[]) => Error = UserError,
): T | undefined {
  const before = process.cpuUsage();
  let answer: T | undefined;
  try {
    answer = parse();
  } catch (error) {
    if (!(error instanceof UserError || error instanceof alsoThrown)) throw error;
  }
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(LIMIT_MS);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  return answer;
}

/** Text of any characters, including unpaired surrogates, mixed with pieces of a format that a parser searches for. */
export function textWith(...pieces: string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...pieces) },
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom(
      "\n",
      "\r\n",
      " ",
      "\t",
      "\0",
      "\ud800",
      "__proto__",
      "constructor",
      '"',
      "'",
      "\\",
      "-1",
      "1e999",
    ),
    fc.nat().map(String),
  );
  return fc.array(piece, { maxLength: 40 }).map((all) => all.join(""));
}

/** One or two pieces repeated many times: an expression with nested repetitions would backtrack. */
export function repeated(length: number, ...pieces: string[]): fc.Arbitrary<string> {
  const any = fc.constantFrom(...pieces, " ", "a", '"', "'", "\\", "\n", "1", ",", "(", "<", "$");
  return fc
    .tuple(any, any, any, any)
    .map(([start, one, other, end]) => start + (one + other).repeat(length / (one + other).length) + end);
}

/** JSON of any shape, also with names that have a meaning in JavaScript. */
export function anyJson(): fc.Arbitrary<unknown> {
  const key = fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "polluted"), fc.string());
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, -1, 1e308, ""),
      fc.string(),
      tie("array"),
      tie("object"),
    ),
    array: fc.array(tie("value"), { maxLength: 4 }),
    object: fc
      .array(fc.tuple(key, tie("value")), { maxLength: 4 })
      .map(
        (entries) =>
          JSON.parse(
            `{${entries.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join()}}`,
          ) as object,
      ),
  }))["value"];
}

/** A valid value of which one part, at any depth, is replaced. */
export function damaged(valid: unknown): fc.Arbitrary<unknown> {
  return fc.tuple(fc.nat(), anyJson(), fc.boolean()).map(([at, other, removes]) => {
    const copy = structuredClone(valid);
    const places = placesIn(copy);
    const [holder, name] = places[at % places.length]!;
    if (removes) Reflect.deleteProperty(holder, name);
    else
      Object.defineProperty(holder, name, {
        value: other,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return copy;
  });
}

function placesIn(value: unknown): [holder: object, name: string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [
    [value, name] as [object, string],
    ...placesIn(each),
  ]);
}
