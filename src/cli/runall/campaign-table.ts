import path from "node:path";
import type { CampaignListing } from "../../queue/campaign-list.ts";
import { fitTable, formatDuration, formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";
import { shorten, textWidth } from "../terminal/text-width.ts";

const SHORTEST_NAME = 8;
const HEAD = ["id", "user", "study", "config", "runs", "queued", "now"];

/**
 * Returns the lines of a table of campaigns. If a terminal is too narrow, studies and configs are shortened; if that is not
 * enough, cells are wrapped between words, or each campaign has a block of lines.
 */
export function campaignTable(
  listings: readonly CampaignListing[],
  { isTTY, columns }: Pick<NodeJS.WriteStream, "isTTY" | "columns">,
  now: number,
): string[] {
  const rows = [HEAD, ...listings.map((listing) => rowOf(listing, now))];
  const widthOf = (table: readonly string[]): number => Math.max(...table.map(textWidth));
  const whole = formatTable(rows);
  if (!isTTY || widthOf(whole) <= columns) return whole;
  const names = [2, 3];
  const others = formatTable(
    rows.map((row) => row.map((cell, column) => (names.includes(column) ? "" : cell))),
  );
  const width = Math.max(SHORTEST_NAME, Math.floor((columns - widthOf(others)) / names.length));
  const shortened = formatTable(
    rows.map((row) => row.map((cell, column) => (names.includes(column) ? shorten(cell, width) : cell))),
  );
  return widthOf(shortened) <= columns ? shortened : fitTable(rows, columns);
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
