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

it.each([80, 120])("fits campaigns into a terminal of %d columns, and shortens their names", (columns) => {
  const lines = campaignTable(listings, { isTTY: true, columns }, 60_000);
  expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(columns);
  expect(lines[1]).toMatch(/ AConfig\w*… .* 2 waiting, 1 running$/);
  expect(lines[2]).toMatch(/^c1 .* Short .* 3 +1 min 00 s ago +cancelled$/);
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
