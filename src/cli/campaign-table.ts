import path from "node:path";
import type { CampaignListing } from "../queue/campaign-list.ts";
import { formatDuration, formatTable } from "./format.ts";
import { shorten, textWidth } from "./text-width.ts";

const SHORTEST_NAME = 8;
const HEAD = ["id", "user", "study", "config", "runs", "queued", "now"];

/** On a terminal the names of studies and configs are shortened where it is narrow. */
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
  const room = Math.max(SHORTEST_NAME, Math.floor((columns - widthOf(others)) / names.length));
  return formatTable(
    rows.map((row) => row.map((cell, column) => (names.includes(column) ? shorten(cell, room) : cell))),
  );
}

function rowOf({ campaign, cancelled, waiting, running, ended }: CampaignListing, today: number): string[] {
  const study = path.join(campaign.checkoutName, campaign.study);
  const age = `${formatDuration(today - campaign.createdAt)} ago`;
  const now = [
    cancelled ? "cancelled" : "",
    ...Object.entries({ waiting, running, "to collect": ended }).map(([what, runs]) =>
      runs > 0 ? `${runs} ${what}` : "",
    ),
  ].filter((part) => part !== "");
  return [
    campaign.id,
    campaign.user,
    study,
    campaign.config,
    String(campaign.runs),
    age,
    now.join(", ") || "collected",
  ];
}
