import { expect, it } from "vitest";
import { Tally } from "../../src/campaign/collect/tally.ts";
import type { Campaign } from "../../src/model/campaign.ts";
import type { RunRecord } from "../../src/model/result.ts";

const START = Date.parse("2026-03-01T12:00:00Z");

/** A run that started some seconds after the campaign, and took some seconds. */
function ran(runNumber: number, after: number, seconds: number): RunRecord {
  return {
    format: 1, campaign: "c1", config: "C", runNumber, iterationVariables: {}, repetition: 0, state: "done",
    reason: "", wallTimeMs: seconds * 1000, startedAt: new Date(START + after * 1000).toISOString(),
    finishedAt: new Date(START + (after + seconds) * 1000).toISOString(),
    worker: "w", commit: "", build: "", omnetpp: "", arguments: [], files: [],
  }; // prettier-ignore
}

const campaign = { id: "c1", runs: 2, createdAt: START } as Campaign;
const how = { resultDirectory: "/r", wallTimeMs: 700 };
const anHourLater = START + 3_600_000;

it("of a whole campaign has the time of its runs, not of the client that collects the last of them", () => {
  const tally = new Tally();
  tally.addNew(ran(0, 1, 60)); // collected by an earlier client
  tally.addNew(ran(1, 31, 60));
  const summary = tally.summary(campaign, false, { ...how, whole: true }, anHourLater);
  expect(summary.wallTimeMs).toBe(90_000);
  expect(summary.made).toMatchObject({ runs: 2, runTimeMs: 120_000, spanMs: 90_000 });
});

it("has the client's own time if no run was executed, or if it does not follow the whole campaign", () => {
  const none = new Tally();
  none.addUnstarted(2);
  expect(none.summary(campaign, true, { ...how, whole: true }, anHourLater).wallTimeMs).toBe(700);
  const own = new Tally();
  own.addNew(ran(0, 1, 60));
  expect(own.summary(campaign, false, how, anHourLater).wallTimeMs).toBe(700);
});

it("ignores the times of a record that was edited", () => {
  const tally = new Tally();
  tally.addNew({ ...ran(0, 1, 60), startedAt: "yesterday" });
  expect(tally.summary(campaign, false, { ...how, whole: true }, anHourLater).made?.spanMs).toBe(0);
});
