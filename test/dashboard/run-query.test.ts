import { describe, expect, it } from "vitest";
import type { Row } from "../../src/dashboard/page/base/data.ts";
import { elapsedAt, fieldsOf, matcherOf, sortRows } from "../../src/dashboard/page/runs/fields.ts";
import { scalarColumns } from "../../src/dashboard/page/runs/scalar-columns.ts";
import { parseQuery, replaceTerms, termText } from "../../src/dashboard/page/runs/query.ts";
import { madeRow } from "../helpers/made-dashboard.ts";

const VARIABLES = ["numHosts", "delay", "mac", "state"];
const VALUES: Record<string, [string | null, [number, number | string][]]> = {
  "Net.sink.throughput": [
    null,
    [
      [0, 2.5],
      [1, 3.5],
      [2, "NaN"],
    ],
  ],
  "**.delay:mean": [
    "s",
    [
      [0, 0.2],
      [1, 2],
      [4, "Infinity"],
    ],
  ],
  "Net.queueing time:max": ["m", [[3, 7]]],
};
const ANSWERS = new Map(
  Object.entries(VALUES).map(([pattern, [unit, values]]) => [
    pattern,
    { series: [{ module: "*", name: "x", unit, values }], unread: 0, omitted: 0 },
  ]),
);
const SCALARS = scalarColumns([...ANSWERS.keys()], ANSWERS, VARIABLES);
const FIELDS = fieldsOf(VARIABLES, elapsedAt(1_700_000_100_000), SCALARS);
const NAMES = new Set(FIELDS.keys());

const ROWS: Row[] = [
  madeRow(0, { values: ["5", "500ms", "Csma", "a"] }),
  madeRow(1, {
    values: ["15", "2s", "Aloha", "b"],
    state: "failed",
    error: "no such host: server, at t=3.5s",
  }),
  madeRow(2, { values: ["20", "1min", "csma(1, 2)", "c"], state: "crashed", error: "signal 11" }),
  madeRow(3, { values: ["100", "0.5s", "", "d"], state: "running", wallTimeMs: null }),
  madeRow(4, {
    values: ["15", "1h", "Aloha", "e"],
    state: "failed",
    error: "no such host: server, at t=7.25s",
  }),
];

function matching(text: string): number[] {
  const query = parseQuery(text, NAMES);
  expect(query.problems).toEqual([]);
  return ROWS.filter(matcherOf(query, FIELDS, VARIABLES)).map(({ runNumber }) => runNumber);
}

describe("a query for runs", () => {
  it.each([
    ["", [0, 1, 2, 3, 4]],
    ["state:failed", [1, 2, 4]],
    ["state=failed", [1, 4]],
    ["state!=failed", [0, 2, 3]],
    ["-state:failed", [0, 3]],
    ["state:done,running", [0, 3]],
    ["$state=c", [2]],
    ["numHosts>=15", [1, 2, 3, 4]],
    ["numhosts<20", [0, 1, 4]],
    ["numHosts:15", [1, 4]],
    ["numHosts=15,20", [1, 2, 4]],
    ["numHosts>=15 state:failed -error:signal", [1, 4]],
    ["delay=500ms", [0, 3]],
    ["delay>0.5", [1, 2, 4]],
    ["delay>1s delay<=60s", [1, 2]],
    ["delay>=1m", []],
    ["mac:csma", [0, 2]],
    ["mac=Csma", [0]],
    ['mac="csma(1, 2)"', [2]],
    ["aloha", [1, 4]],
    ['"such host"', [1, 4]],
    ['error:"SUCH HOST"', [1, 4]],
    ['error="no such host: server, at t=1s"', [1, 4]],
    ["-error:host", [0, 2, 3]],
    ["#3", [3]],
    ["run<2", [0, 1]],
    ["time>1min", [3]],
    ["memory>=0.05GB", [0, 1, 2, 3, 4]],
    ["memory>=1GiB", []],
    ["throughput>3", [1]],
    ["throughput:2.5,3.5", [0, 1]],
    ["-throughput>=0", [2, 3, 4]],
    ["throughput!=2.5", [1, 2, 3, 4]],
    ["delay:mean>=200ms", [0, 1, 4]],
    ["delay:mean<1", [0]],
    ["Delay:MEAN=2s -state:done", [1]],
    ["delay:500ms", [0, 3]], // the variable
    ["queueing time:max<=7m state:running", [3]],
    ['"unclosed quote', []],
    ['"numHosts=15"', [1, 4]],
  ] as const)("%s", (text, expected) => {
    expect(matching(text)).toEqual(expected);
  });

  it("reports what it does not understand, and ignores only that", () => {
    expect(parseQuery("numHost>3 foo:bar delay= state:done", NAMES)).toMatchObject({
      problems: [
        "unknown field numHost; did you mean numHosts?",
        'unknown field foo; a text is searched for in quotes: "foo:…"',
        "delay= needs a value",
      ],
      terms: [{ field: "state" }],
    });
  });

  it("writes values so that they are read again, whatever they contain", () => {
    for (const value of ["1", "a b", 'say "no"', "c:\\x\\", "1,2", "a:b=c", "-x"]) {
      const [term] = parseQuery(termText("$mac", "=", value), NAMES).terms;
      expect(term).toMatchObject({ field: "$mac", operator: "=", values: [value] });
    }
  });

  it("replaces the conditions for some fields", () => {
    const text = 'numHosts>=15 "a b" $mac=Csma state:failed';
    expect(replaceTerms(text, NAMES, { $numHosts: "numHosts=20", $mac: "" })).toBe(
      '"a b" state:failed numHosts=20',
    );
  });

  it("takes time in proportion to its length", () => {
    const text = '"'.repeat(20_000) + "\\".repeat(20_000) + "a=".repeat(20_000);
    expect(parseQuery(text, NAMES).problems.length).toBeLessThanOrEqual(1);
  });
});

describe("the order of runs", () => {
  const order = (name: string, isDescending = false): number[] =>
    sortRows(ROWS, FIELDS.get(name)!, isDescending).map(({ runNumber }) => runNumber);

  it("is that of numbers with units, and unknown values come last", () => {
    expect(order("$delay")).toEqual([3, 0, 1, 2, 4]);
    expect(order("$numHosts")).toEqual([0, 1, 4, 2, 3]);
    expect(order("$numHosts", true)).toEqual([3, 2, 1, 4, 0]);
    expect(order("error")).toEqual([1, 4, 2, 0, 3]);
    expect(order("error", true)).toEqual([2, 4, 1, 0, 3]);
    expect(order("time", true)[0]).toBe(3);
    expect(order("delay:mean", true)).toEqual([4, 1, 0, 2, 3]);
    expect(order("throughput")).toEqual([0, 1, 2, 3, 4]);
  });
});

it("calls a scalar by its name, or by its pattern if that is no name or another field has it", () => {
  const patterns = [
    "Net.a.x",
    "Net.a.time",
    "Net.a.NumHosts",
    "Net.b.y:mean",
    "Net.c.y:mean",
    "**.z*",
    "Net.{1..2}",
    String.raw`Net.a.p\*`,
  ];
  expect(scalarColumns(patterns, new Map(), VARIABLES).map(({ field }) => field)).toEqual([
    "x",
    "Net.a.time",
    "Net.a.NumHosts",
    "Net.b.y:mean",
    "Net.c.y:mean",
    "**.z*",
    "Net.{1..2}",
    "p*",
  ]);
});
