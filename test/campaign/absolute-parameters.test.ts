import { expect, it } from "vitest";
import { warnOfAbsoluteParameters } from "../../src/campaign/plan/absolute-parameters.ts";

const warned = (configuration: Record<string, string>) => [
  ...warnOfAbsoluteParameters(new Map(Object.entries(configuration))),
];

it("names parameters with absolute paths", () => {
  expect(warned({ "**.pcapFile": '"/data/x.pcap"', "*.map": 'xmldoc("/maps/a.xml")' })).toMatchObject([
    { type: "warning", details: ['**.pcapFile = "/data/x.pcap"', '*.map = xmldoc("/maps/a.xml")'] },
  ]);
});

it("does not report relative paths, output options or other texts", () => {
  const others = {
    "**.file": '"a/b.xml"',
    "result-dir": '"/data"',
    "**.output-vector-file": '"/x.vec"',
    "*.sep": '"/"',
  };
  expect(warned(others)).toEqual([]);
});
