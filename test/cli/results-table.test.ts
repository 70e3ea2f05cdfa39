import { expect, it } from "vitest";
import { crossTable, csv, groupingOf, groupsOf, longTable } from "../../src/cli/runall/results-table.ts";

/**
 * `Net.host[0].delay:mean` of a study of ours with OMNeT++ 6.2.0, as `opp_scavetool export -T s -F CSV-R` exports it: run
 * number, load, interval, value.
 */
const EXPORTED: [number, string, string, number][] = [
  [0, "1", "500ms", 0.5860578315216],
  [1, "1", "500ms", 0.45436582581605],
  [2, "1", "500ms", 0.4459349714453],
  [3, "1", "2s", 0.3737663677892],
  [4, "1", "2s", 0.6159008890388],
  [5, "1", "2s", 0.5266831130256],
  [6, "1", "1min", NaN],
  [9, "2", "500ms", 0.5073141576607],
  [10, "2", "500ms", 0.48144178547665],
  [11, "2", "500ms", 0.4555887055002],
  [12, "2", "2s", 0.3131200042552],
  [13, "2", "2s", 0.7143334983384],
  [14, "2", "2s", 0.510509034293],
];
const VARIABLES = ["load", "interval"];
const RUNS = EXPORTED.map(([runNumber, ...values]) => ({
  runNumber,
  values: values.slice(0, 2) as string[],
  repetition: runNumber % 3,
}));
const BY_NUMBER = new Map(RUNS.map((run) => [run.runNumber, run]));
const SERIES = { values: EXPORTED.map(([run, , , value]): [number, number] => [run, value]) };

const grouped = (asked?: string[]) => {
  const grouping = groupingOf(VARIABLES, RUNS, asked);
  return { grouping, groups: groupsOf(SERIES, VARIABLES, BY_NUMBER, grouping) };
};

/** Computed from the export by numpy and `scipy.stats.t.ppf`. */
it.each([
  [undefined, ["1", "500ms"], 3, 0.49545287626098333, 0.19520191118200195],
  [undefined, ["1", "2s"], 3, 0.5054501232845333, 0.30419695447819173],
  [undefined, ["2", "500ms"], 3, 0.48144821621251666, 0.06424657467416402],
  [["interval"], ["500ms"], 6, 0.48845054623675005, 0.05549398109633642],
  [["interval"], ["2s"], 6, 0.5090521511233667, 0.15605337821964962],
])("agrees with scipy by %j for %j", (asked, values, n, mean, halfWidth) => {
  const group = grouped(asked).groups.find((each) => each.values.join() === values.join())!;
  expect(group.n).toBe(n);
  expect(Math.abs(group.mean / mean - 1)).toBeLessThan(1e-12);
  expect(Math.abs(group.halfWidth! / halfWidth - 1)).toBeLessThan(1e-12);
});

it("has a row for each combination of the variables that vary, sorted by number and unit", () => {
  const { grouping, groups } = grouped();
  expect(longTable(grouping, groups)).toEqual([
    ["load", "interval", "mean", "n", "min..max"],
    ["1", "500ms", "0.495453 ± 0.195", "3", "0.445935..0.586058"],
    ["1", "2s", "0.50545 ± 0.304", "3", "0.373766..0.615901"],
    ["1", "1min", "nan", "0", ""],
    ["2", "500ms", "0.481448 ± 0.0642", "3", "0.455589..0.507314"],
    ["2", "2s", "0.512654 ± 0.498", "3", "0.31312..0.714333"],
  ]);
});

it("has columns for a second variable, and names those that are averaged over", () => {
  const { grouping, groups } = grouped(["interval", "load"]);
  expect(grouping.averagedOver).toEqual([]);
  expect(crossTable(grouping, groups)).toEqual([
    ["interval", "load=1", "load=2"],
    ["500ms", "0.495453 ± 0.195 (3)", "0.481448 ± 0.0642 (3)"],
    ["2s", "0.50545 ± 0.304 (3)", "0.512654 ± 0.498 (3)"],
    ["1min", "nan (0)", ""],
  ]);
  expect(grouped(["repetition"]).grouping.averagedOver).toEqual(["load", "interval"]);
  expect(groupingOf(VARIABLES, RUNS.slice(0, 2), undefined).by).toEqual([]);
  expect(() => grouped(["lod"])).toThrow("--by: the campaign has no iteration variable lod");
});

it("has no interval for a single run", () => {
  const grouping = groupingOf(VARIABLES, RUNS.slice(0, 1), ["load"]);
  const groups = groupsOf({ values: [[0, 2]] }, VARIABLES, BY_NUMBER, grouping);
  expect(longTable(grouping, groups)[1]).toEqual(["1", "2", "1", "2..2"]);
});

it("quotes cells of CSV that need it", () => {
  expect(
    csv([
      ["a", 'b "c"', null, 0.1],
      ["d,e", "f\ng", undefined, NaN],
    ]),
  ).toBe('a,"b ""c""",,0.1\r\n"d,e","f\ng",,NaN\r\n');
});
