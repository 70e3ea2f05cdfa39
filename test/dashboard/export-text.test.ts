import { expect, it } from "vitest";
import { csvOf, pythonOf } from "../../src/dashboard/page/results/export-text.ts";
import { figureData, type Axes } from "../../src/dashboard/page/results/figure-data.ts";
import { settingsIn } from "../../src/dashboard/page/results/settings.ts";
import { madeRow } from "../helpers/made-dashboard.ts";

const AXES: Axes = { x: "$x", line: "$mac", facet: "" };

it("writes a figure's points as CSV that no spreadsheet executes", () => {
  const rows = ["=1+2", 'a "b", c'].flatMap((mac, index) =>
    [0, 1].map((repetition) => madeRow(2 * index + repetition, { values: ["-1", mac], repetition })),
  );
  const values = new Map(rows.map(({ runNumber }) => [runNumber, runNumber]));
  const data = figureData(rows, ["x", "mac"], [{ label: "delay", unit: "s", values }], AXES);
  const [head, ...lines] = csvOf(data, AXES).split("\r\n");
  expect(head).toBe("facet,line,x,n,mean,ci95_half_width,standard_deviation,min,max");
  expect(lines.map((line) => line.replace(/(\.\d{4})\d+/g, "$1"))).toEqual([
    ",mac==1+2,-1,2,0.5,6.3531,0.7071,0,1",
    ',"mac=a ""b"", c",-1,2,2.5,6.3531,0.7071,2,3',
    "",
  ]);
});

it("writes a script for OMNeT++'s Python packages", () => {
  const settings = settingsIn(new URLSearchParams("s=**.host[*].delay:mean&over=sum&log=y"));
  const campaign = {
    config: 'A "b"',
    study: "mm1",
    id: "abcdefgh",
    rows: [madeRow(3), madeRow(5)],
    hasParameters: false,
  };
  const rows = ["500ms", "2s"].map((x, run) => madeRow(run, { values: [x, "a"] }));
  const series = [
    {
      label: "delay",
      unit: "s",
      values: new Map([
        [0, 1],
        [1, 2],
      ]),
    },
  ];
  const data = figureData(rows, ["x", "mac"], series, AXES);
  const script = pythonOf(settings, AXES, data, campaign);
  expect(script).toContain(
    String.raw`query = "runattr:configname =~ \"A \\\"b\\\"\" AND ((module =~ \"**.host[*]\" AND name =~ \"delay:mean\"))"`,
  );
  expect(script).toContain('df = df[df["runnumber"].astype(int).isin([3, 5])]');
  expect(script).toContain('["value"].sum()');
  expect(script).toContain('places = {"500ms":0.5,"2s":2}');
  expect(script).toContain('panel.set_yscale("log")');
});
