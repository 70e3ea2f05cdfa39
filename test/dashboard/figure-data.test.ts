import { describe, expect, it } from "vitest";
import type { Row } from "../../src/dashboard/page/base/data.ts";
import { coloursFor } from "../../src/dashboard/page/results/colours.ts";
import {
  defaultAxes,
  figureData,
  type Axes,
  type Series,
} from "../../src/dashboard/page/results/figure-data.ts";
import { groupItems, moduleTree, searchItems } from "../../src/dashboard/page/results/items.ts";
import { settingsIn } from "../../src/dashboard/page/results/settings.ts";
import { namePattern } from "../../src/model/name-pattern.ts";
import { madeRow } from "../helpers/made-dashboard.ts";

const VARIABLES = ["delay", "hosts"];
const ROWS: Row[] = ["500ms", "2s", "1min"].flatMap((delay, group) =>
  ["5", "15"].flatMap((hosts, part) =>
    [0, 1, 2].map((repetition) =>
      madeRow(group * 6 + part * 3 + repetition, { values: [delay, hosts], repetition }),
    ),
  ),
);
const AXES: Axes = { x: "$delay", line: "$hosts", facet: "" };

function series(valueOf: (run: number) => number | undefined, more: Partial<Series> = {}): Series {
  const values = ROWS.flatMap(({ runNumber }): [number, number][] => {
    const value = valueOf(runNumber);
    return value === undefined ? [] : [[runNumber, value]];
  });
  return { label: "Net.delay", unit: "s", values: new Map(values), ...more };
}

describe("the data of a figure", () => {
  it("has the mean and its confidence interval for each value of the axis and of the lines", () => {
    const data = figureData(ROWS, VARIABLES, [series((run) => run)], AXES);
    expect(data).toMatchObject({
      xValues: ["500ms", "2s", "1min"],
      hasNumbers: true,
      xUnit: "s",
      yLabel: "Net.delay [s]",
      notes: [],
    });
    const [facet] = data.facets;
    expect(facet!.lines.map(({ label }) => label)).toEqual(["hosts=5", "hosts=15"]);
    const [first] = facet!.lines[0]!.points;
    // three values 0, 1, 2: t(0.975, 2) = 4.302653, standard error 1/sqrt(3)
    expect(first).toMatchObject({ x: "500ms", xNumber: 0.5, values: [0, 1, 2], summary: { n: 3, mean: 1 } });
    expect(first!.summary.halfWidth).toBeCloseTo(2.4841, 4);
    expect(facet!.lines[1]!.points.map(({ xNumber }) => xNumber)).toEqual([0.5, 2, 60]);
  });

  it("names what a point combines, what is missing, and what is not a number", () => {
    const odd = series((run) => (run === 3 ? undefined : run === 4 ? NaN : run === 5 ? Infinity : run));
    const data = figureData(ROWS, VARIABLES, [odd], { ...AXES, line: "" });
    expect(data.notes).toEqual([
      "A point combines runs with different values of hosts: choose them as lines or facets, or filter.",
      "2 values NaN or infinite: not included in the means.",
    ]);
    expect(data.missing).toBe(1);
    const superseded = ROWS.map((row) => (row.runNumber === 3 ? { ...row, supersededBy: "later" } : row));
    expect(figureData(superseded, VARIABLES, [odd], AXES).missing).toBe(0); // the page says so elsewhere
    expect(data.facets[0]!.lines[0]!.points[0]!.summary).toMatchObject({ n: 3, excluded: 2, mean: 1 });
  });

  it("has a line for each of several scalars, or a facet, and reports different units", () => {
    const both = [series((run) => run), series((run) => -run, { label: "Net.loss", unit: null })];
    const lines = figureData(ROWS, VARIABLES, both, AXES);
    expect(lines.facets[0]!.lines.map(({ label }) => label)).toEqual([
      "hosts=5, Net.delay",
      "hosts=5, Net.loss",
      "hosts=15, Net.delay",
      "hosts=15, Net.loss",
    ]);
    expect(lines.notes).toEqual(["The scalars have different units: s, no unit."]);
    const facets = figureData(ROWS, VARIABLES, both, { ...AXES, facet: "scalar" }).facets;
    expect(facets.map(({ label, lines: { length } }) => [label, length])).toEqual([
      ["Net.delay [s]", 2],
      ["Net.loss", 2],
    ]);
  });

  it("has texts on the axis if the values are not numbers of one kind", () => {
    for (const values of [
      ["a", "b"],
      ["1s", "5"],
      ["1s", "2m"],
      ["inf", "1"],
      ["", "1"],
    ]) {
      const rows = values.map((value, run) => madeRow(run, { values: [value, "5"] }));
      expect([values, figureData(rows, VARIABLES, [series(() => 1)], AXES).hasNumbers]).toEqual([
        values,
        false,
      ]);
    }
  });

  it("is empty without values", () => {
    expect(figureData(ROWS, VARIABLES, [series(() => undefined)], AXES).facets).toEqual([]);
    expect(figureData([], VARIABLES, [], AXES)).toMatchObject({ facets: [], xValues: [] });
  });

  it("combines 100,000 runs of 50 variables", () => {
    const names = Array.from({ length: 50 }, (_, index) => `v${index}`);
    const rows = Array.from({ length: 100_000 }, (_, run) =>
      madeRow(run, { values: names.map((_, index) => `${(run >> (index % 10)) % 4}`) }),
    );
    const all = { ...series(() => 1), values: new Map(rows.map(({ runNumber }) => [runNumber, runNumber])) };
    const data = figureData(rows, names, [all], defaultAxes(rows, names));
    expect(data.facets[0]!.lines).toHaveLength(4);
    expect(data.notes[0]).toContain("A point combines runs with different values of");
  });
});

describe("the axes of a figure", () => {
  it.each([
    [["1", "2", "3"], ["a", "b", "c"], { x: "$delay", line: "$hosts" }],
    [["a", "b", "c"], ["1", "2", "2"], { x: "$hosts", line: "$delay" }],
    [["1", "1", "1"], ["1", "2", "3"], { x: "$hosts", line: "" }],
    [["1", "1", "1"], ["1", "1", "1"], { x: "repetition", line: "" }],
  ])("of %j and %j", (first, second, expected) => {
    const rows = first.map((value, run) => madeRow(run, { values: [value, second[run]!] }));
    expect(defaultAxes(rows, VARIABLES)).toEqual({ ...expected, facet: "" });
  });

  it("and all other settings come from the URL, whatever it contains", () => {
    expect(
      settingsIn(
        new URLSearchParams("s=a&s=a&s=b&over=sum&plot=heat map&x=$v&line=-&log=y&points=1&scale=log"),
      ),
    ).toEqual({
      patterns: ["a", "b"],
      over: "sum",
      plot: "heat map",
      x: "$v",
      line: "",
      facet: undefined,
      isLogX: false,
      isLogY: true,
      hasPoints: true,
      scale: "log",
    });
    expect(settingsIn(new URLSearchParams("over=x&plot=y&scale=z"))).toMatchObject({
      over: "each",
      plot: "lines",
      scale: "linear",
    });
  });
});

describe("the list of scalars", () => {
  const ITEMS: Parameters<typeof groupItems>[0] = [
    ...Array.from({ length: 20 }, (_, index): Parameters<typeof groupItems>[0][number] => [
      `Net.host[${index}].app[0]`,
      "delay:mean",
      "s",
      "statistic",
    ]),
    ["Net", "limit", null, "parameter"],
    ["Net", "odd *?{name}\\", null, "scalar"],
    ["Net.table[1..2]", "x", null, "scalar"],
  ];

  it("has one item for the modules of a vector, whose pattern matches exactly these", () => {
    const items = groupItems(ITEMS);
    expect(items.map(({ module, modules }) => [module, modules])).toEqual([
      ["Net.host[*].app[*]", 20],
      ["Net", 1],
      ["Net.table[1..2]", 1],
      ["Net", 1],
    ]);
    for (const { pattern, modules } of items) {
      const matching = ITEMS.filter(([module, name]) => namePattern(pattern)(`${module}.${name}`));
      expect([pattern, matching.length]).toEqual([pattern, modules]);
    }
  });

  it("is a tree that can be searched", () => {
    const [net] = moduleTree(groupItems(ITEMS));
    expect(net).toMatchObject({
      label: "Net",
      items: [{ name: "odd *?{name}\\" }, { name: "limit" }],
      children: [{ label: "host[*]", children: [{ label: "app[*]" }] }, {}],
    });
    expect(searchItems(groupItems(ITEMS), "MEAN host")).toHaveLength(1);
    expect(searchItems(groupItems(ITEMS), " ")).toHaveLength(4);
    expect(searchItems(groupItems(ITEMS), "host nothing")).toEqual([]);
  });
});

describe("the colours of a heat map", () => {
  const placeOf = (scale: "linear" | "log" | "quantile", value: number): string | undefined =>
    coloursFor([1, 10, 100, 100], scale).of(value)?.back;

  it("go from dark to light by value, by its logarithm, or by its rank", () => {
    for (const scale of ["linear", "log", "quantile"] as const)
      expect([placeOf(scale, 1), placeOf(scale, 100)]).toEqual(["rgb(68, 1, 84)", "rgb(253, 231, 37)"]);
    expect(placeOf("log", 10)).toBe(placeOf("quantile", 10));
    expect(placeOf("linear", 10)).not.toBe(placeOf("log", 10));
  });

  it("exist for few, equal and not positive values", () => {
    expect(coloursFor([], "linear").ticks).toEqual([]);
    expect(coloursFor([3, 3], "log").of(3)).toBeDefined();
    expect(coloursFor([-1, 0, 5, 7], "log").of(0)).toBeUndefined();
    expect(coloursFor([-1, 0, 5], "quantile").ticks).toEqual([
      { value: -1, place: 0 },
      { value: 0, place: 0.5 },
      { value: 5, place: 1 },
    ]);
  });
});
