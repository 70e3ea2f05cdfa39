import { PROTOCOL } from "../../src/model/protocol.ts";
import type { Campaign } from "../../src/model/campaign.ts";
import type { Run } from "../../src/model/run.ts";

/** A campaign of which a test uses only some entries. */
export function someCampaign(entries: Partial<Campaign> = {}): Campaign {
  return {
    protocol: PROTOCOL,
    id: "c1",
    user: "user",
    host: "host",
    directory: "/checkout",
    createdAt: 0,
    config: "General",
    source: { url: "/checkout/.git", commit: "a".repeat(40) },
    checkoutName: "checkout",
    buildKey: "key",
    mode: "release",
    omnetpp: { version: "6.2.0" },
    study: "study",
    project: "",
    program: { kind: "opp_run" },
    arguments: [],
    addedOptions: [],
    libraries: [],
    resultDirectory: "results",
    runs: 3,
    retries: 3,
    stopOnError: false,
    ...entries,
  };
}

/** Runs with the numbers 0, 1, … of a config without iteration variables. */
export function someRuns(count: number): Run[] {
  return Array.from({ length: count }, (_, runNumber) => ({
    config: "General",
    runNumber,
    iterationVariables: {},
    repetition: 0,
  }));
}
