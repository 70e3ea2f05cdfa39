import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { splitBatchOutput } from "../../src/omnetpp/batch-output.ts";
import { elapsedMsIn } from "../../src/omnetpp/cmdenv-lines.ts";

const recorded = (version: string, name: string): string =>
  readFileSync(
    fileURLToPath(new URL(`../fixtures/omnetpp/cmdenv/${version}/${name}.stdout.txt`, import.meta.url)),
    "utf8",
  );

describe.each(["6.2.0", "7.0.0pre2"])("what OMNeT++ %s printed", (version) => {
  it("in a process of three runs has a part for each, with its id and its time", () => {
    const parts = splitBatchOutput(recorded(version, "batch-of-three"));
    expect(parts.map((part) => part.runNumber)).toEqual([0, 5, 9]);
    for (const { runNumber, runId, elapsedMs, text } of parts) {
      expect(runId).toMatch(new RegExp(`^PureAlohaExperiment-${runNumber}-`));
      expect(elapsedMs).toBeGreaterThan(0);
      expect(elapsedMs).toBe(elapsedMsIn(text));
      expect(text).toMatch(/^OMNeT\+\+ [^]*\nEnd\.\n$/);
    }
  });

  it("of one run is one part, which is all of it", () => {
    const whole = recorded(version, "success");
    expect(splitBatchOutput(whole).map((part) => part.text)).toEqual([whole]);
  });

  it("under -s has no parts", () => {
    expect(splitBatchOutput(recorded(version, "success-silent"))).toEqual([]);
  });
});

it.each([
  ["", 0],
  ["** Event #7  t=0.5  Net.host (Host, id=2), on selfmsg (cMessage, id=3)\n", 0],
  ["** Event #7   t=0.5   Elapsed: 1.5s (0m 01s)\n", 1500],
  [
    "** Event #0   t=0   Elapsed: 5.9e-05s (0m 00s)\n** Event #9   t=1   Elapsed: 2e-3s (0m 00s)  3% completed\n",
    2,
  ],
  ["** Event #9   t=1   Elapsed: 2s (0m 02s)\nthe model says: Elapsed: 100s \n", 2000],
  ["** Event #9   t=1   Elapsed: ee-s (0m 02s)\n", 0],
])("takes the time from the last status line of %j", (printed, ms) => {
  expect(elapsedMsIn(printed)).toBeCloseTo(ms, 9);
});
