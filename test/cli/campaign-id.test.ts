import { expect, it } from "vitest";
import { campaignId } from "../../src/cli/runall/campaign-id.ts";
import { UserError } from "../../src/errors.ts";
import { rangesOf } from "../../src/model/whole-number.ts";
import { filterAdvice } from "../../src/omnetpp/filter-advice.ts";
import { someCampaign } from "../helpers/campaign.ts";

const campaigns = [
  someCampaign({ id: "abcd2222", user: "eve", config: "Other" }),
  someCampaign({ id: "abxy3333", user: "ada", config: "Quick" }),
  someCampaign({ id: "kmnp4444", user: "ada", config: "Load" }),
];

const meant = (typed: string, user = "ada"): string => campaignId(typed, campaigns, user, 60_000);
const refusal = (typed: string, user?: string): string => {
  try {
    return meant(typed, user);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `${error.message}\n${error.hint}`;
  }
};

it("is meant by its beginning, and by last if it is the newest one of the user", () => {
  expect([meant("k"), meant("abx"), meant("abcd2222"), meant("last"), meant("last", "eve")]).toEqual([
    "kmnp4444",
    "abxy3333",
    "abcd2222",
    "abxy3333",
    "abcd2222",
  ]);
});

it("is reported if it is ambiguous, misspelled or missing", () => {
  expect(refusal("ab")).toBe(
    "several campaigns begin with ab:\n  abcd2222  Other, queued 1 min 00 s ago\n  abxy3333  Quick, queued 1 min 00 s ago\ntype more characters of the id",
  );
  expect(refusal("kmnp4454")).toContain("no campaign kmnp4454\ndid you mean kmnp4444? list campaigns");
  expect(refusal("zzz")).toBe("no campaign zzz\nlist campaigns with: runall-swarm list");
  expect(refusal("")).toContain("list campaigns");
  expect(refusal("last", "bob")).toContain("you have no campaign in this swarm");
});

it("has run numbers that are written as in run filters", () => {
  expect(rangesOf([3, 1, 0, 2, 8, 10, 11])).toBe("0..3,8,10..11");
  expect(rangesOf([])).toBe("");
});

it("has a run filter whose mistake is explained, and no other error", () => {
  const advice = (error: string, filter = "$a==1"): string | undefined =>
    filterAdvice(error, filter, ["numHosts", "repetition"]);
  expect(advice("Cannot evaluate run filter: Unknown variable $numHost")).toMatch(
    /^did you mean \$numHosts\?/,
  );
  expect(advice("Cannot evaluate run filter: No such variable: 'numHosts'")).toMatch(
    /^did you mean \$numHosts\?/,
  );
  expect(advice("Cannot evaluate run filter: Unknown variable $x")).toBe(
    "iteration variables here: $numHosts, $repetition",
  );
  expect(advice("Cannot evaluate run filter: syntax error", "==10")).toContain("single quotes");
  expect(advice("No such config: Quick")).toBeUndefined();
});
