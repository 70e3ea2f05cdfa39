import path from "node:path";
import type { CampaignListing } from "../../queue/campaign-list.ts";
import { fitTable, formatDuration, formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";

const HEAD = ["id", "user", "study", "config", "runs", "queued", "now"];

/**
 * Returns the lines of a table of campaigns. If a terminal is too narrow, cells are wrapped between words or, if that is
 * not enough, each campaign has a block of lines: names are never cut.
 */
export function campaignTable(
  listings: readonly CampaignListing[],
  { isTTY, columns }: Pick<NodeJS.WriteStream, "isTTY" | "columns">,
  now: number,
): string[] {
  const rows = [HEAD, ...listings.map((listing) => rowOf(listing, now))];
  return isTTY ? fitTable(rows, columns) : formatTable(rows);
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
function statesOf({ cancelled, waiting, running, ended, states, superseded }: CampaignListing): string {
  const { done = 0, cancelled: stopped = 0, ...others } = states;
  const failed = Object.values(others).reduce<number>((sum, runs) => sum + runs, 0);
  const counts = { waiting, running, "to collect": ended, done, failed, cancelled: stopped };
  const parts = Object.entries(counts).flatMap(([what, runs]) => (runs > 0 ? [`${runs} ${what}`] : []));
  const later = Object.entries(superseded).map(([id, runs]) => `${runs} superseded by ${id}`);
  return [...(cancelled && stopped === 0 ? ["cancelled"] : []), ...parts, ...later].join(", ");
}
