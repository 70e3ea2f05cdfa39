import { expect, it } from "vitest";
import { campaignTable } from "../../src/cli/runall/campaign-table.ts";
import { isNear } from "../../src/model/near.ts";
import { textWidth } from "../../src/cli/terminal/text-width.ts";
import { someCampaign } from "../helpers/campaign.ts";

const counts = {
  cancelled: false,
  waiting: 2,
  running: 1,
  ended: 0,
  collected: 0,
  states: {},
  superseded: {},
};
const listings = [
  {
    ...counts,
    campaign: someCampaign({ config: "AConfigOfAVeryLongName".repeat(4), study: "a/study/far/down" }),
  },
  {
    ...counts,
    campaign: someCampaign({ config: "Short", study: "b" }),
    waiting: 0,
    running: 0,
    cancelled: true,
  },
];

it.each([60, 120, 200])("cuts no name in a terminal of %d columns", (columns) => {
  const lines = campaignTable(listings, { isTTY: true, columns }, 60_000);
  const longest = listings[0]!.campaign.config;
  expect(lines.filter((line) => textWidth(line) > columns && !line.includes(longest))).toEqual([]);
  const words = lines.flatMap((line) => line.trim().split(/\s+/));
  expect(words).toEqual(expect.arrayContaining([longest, "Short", "running", "cancelled"]));
});

it.each([
  ["--timout", "--timeout", true],
  ["--tiemout", "--timeout", true],
  ["atach", "attach", true],
  ["lsit", "list", true],
  ["log", "logs", true],
  ["aloha", "logs", false],
  ["--seed-set", "--detach", false],
  ["mm1", "list", false],
])("returns whether %s may be a typing error for %s: %s", (typed, meant, near) =>
  expect(isNear(typed, meant)).toBe(near),
);
