import path from "node:path";
import type { CampaignListing } from "../../queue/campaign-list.ts";
import { count, formatDuration, formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";
import { textWidth, wrap } from "../terminal/text-width.ts";

const HEAD = ["id", "user", "study", "config", "runs", "queued", "now"];

/**
 * Returns the lines of a table of campaigns. If a terminal is too narrow for it, each campaign has two lines, which are
 * wrapped: names are never cut.
 */
export function campaignTable(
  listings: readonly CampaignListing[],
  { isTTY, columns }: Pick<NodeJS.WriteStream, "isTTY" | "columns">,
  now: number,
): string[] {
  const table = formatTable([HEAD, ...listings.map((listing) => rowOf(listing, now))]);
  if (!isTTY || table.every((line) => textWidth(line) <= columns)) return table;
  return listings.flatMap((listing) =>
    blockOf(listing, now).flatMap((line) => wrap(line, columns, INDENT).split("\n")),
  );
}

const INDENT = "    ";

function blockOf(listing: CampaignListing, now: number): string[] {
  const [id, user, study, config, , age, states] = rowOf(listing, now) as [string, ...string[]];
  return [
    `${id}  ${config} (${age}): ${states}`,
    `${INDENT}${count(listing.campaign.runs, "run")} of ${study}, ${user}`,
  ];
}

function rowOf(listing: CampaignListing, now: number): string[] {
  const { campaign } = listing;
  const study = path.join(campaign.checkoutName, campaign.study);
  const age = `${formatDuration(now - campaign.createdAt)} ago`;
  const cells = [
    campaign.id,
    campaign.user,
    study,
    campaign.config,
    String(campaign.runs),
    age,
    statesOf(listing),
  ];
  return cells.map(printableLine);
}

/** Returns the number of a campaign's runs in each state. */
function statesOf(listing: CampaignListing): string {
  const { campaign, cancelled, waiting, running, ended, states, superseded } = listing;
  const { done = 0, cancelled: stopped = 0, ...others } = states;
  const failed = Object.values(others).reduce<number>((sum, runs) => sum + runs, 0);
  const counts = { waiting, running, "to collect": ended, done, failed, cancelled: stopped };
  const parts = Object.entries(counts).flatMap(([what, runs]) => (runs > 0 ? [`${runs} ${what}`] : []));
  const later = Object.entries(superseded).map(([id, runs]) =>
    runs === campaign.runs ? `superseded by ${id}` : `${runs} of them superseded by ${id}`,
  );
  return [...(cancelled && stopped === 0 ? ["cancelled"] : []), ...parts, ...later].join(", ");
}
