import { expect, test } from "vitest";
import { parseReport } from "../../src/model/outcome.ts";

test.each([
  { type: "progress", events: 10, simTime: "0.5", percent: 5 },
  { type: "held", held: "host: its disk is full", lacks: true },
])("reads the report of a worker: %j", (report) => {
  expect(parseReport(report)).toEqual(report);
});

test("reads the reports of earlier versions, which have no type", () => {
  expect(parseReport({ events: 10, simTime: "0.5" })).toEqual({
    type: "progress",
    events: 10,
    simTime: "0.5",
  });
  expect(parseReport({ held: "host: its disk is full" })).toEqual({
    type: "held",
    held: "host: its disk is full",
  });
});

test.each([undefined, null, 0, 42, "text", {}, [], { type: "other" }, { type: "held" }, { events: "10" }])(
  "takes nothing else for a report: %j",
  (data) => {
    expect(parseReport(data)).toBeUndefined();
  },
);
