import { expect, it } from "vitest";
import { describeOutdated, OutdatedRuns } from "../../src/campaign/run/outdated.ts";
import type { CampaignPlan } from "../../src/campaign/plan/plan.ts";
import { plannedKey } from "../../src/campaign/plan/plan-project.ts";
import { outdatedLine } from "../../src/cli/terminal/summary.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { madeRecord } from "../dashboard/made.ts";

const build = { sourcesHash: "s", checkoutName: "c", project: "", omnetpp: { version: "6.2.0" } };
const plan = {
  campaign: someCampaign({ arguments: ["-c", "Load", "-r", "0", "--x=1"] }),
  code: { tree: "t".repeat(40), entries: [] },
  sources: [],
  runSources: { canRead: () => true, hashOf: () => "h" },
  resultDirectory: "/nowhere",
  build,
  ownBuild: { ok: false, reason: "it is not built" },
} as unknown as CampaignPlan;
const key = plannedKey(plan);
const same = { tree: "t".repeat(40), build: key, arguments: ["-c", "Load", "--x=1"] };

/** What is reported about these records. */
function told(...records: [more: Partial<RunRecord>, isSame?: boolean][]): string[] {
  const found = new OutdatedRuns();
  records.forEach(([more, isSame = false], at) =>
    found.add(madeRecord("c1", at, { ...same, ...more }), isSame),
  );
  return [...describeOutdated(plan, found.groups)].map(outdatedLine);
}

it.each<[Partial<RunRecord>, boolean, RegExp]>([
  [{}, true, /counts: result files are missing or changed$/],
  [{ tree: "u".repeat(40) }, false, /counts: the source has changed$/],
  [{ omnetpp: "6.1" }, false, /counts: OMNeT\+\+ is 6\.2\.0, was 6\.1$/],
  [{ arguments: ["-c", "Load", "-r", "7"] }, false, /counts: the arguments are "--x=1", were ""$/],
  [{ build: "other" }, false, /counts: the binaries or the compiler have changed$/],
  [{}, false, /counts: the environment, .* has changed$/],
])("names the reason %j", (more, isSame, line) => {
  expect(told([more, isSame])).toEqual([expect.stringMatching(line) as string]);
});

it("counts runs by their reason, most frequent first", () => {
  expect(told([{ build: "a" }], [{ omnetpp: "6.1" }], [{ build: "b" }])).toEqual([
    "2 completed runs no longer count: the binaries or the compiler have changed",
    "1 completed run no longer counts: OMNeT++ is 6.2.0, was 6.1",
  ]);
});
