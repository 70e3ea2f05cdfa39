import path from "node:path";
import type { CampaignView } from "./campaign-view.ts";

/** A campaign in one row. Times are in ms. */
export interface Summary {
  id: string;
  user: string;
  study: string;
  config: string;
  createdAt: number;
  runs: number;
  cancelled: boolean;
  /** How many runs are in each state; one that nobody here knows of is `unknown`. */
  states: Record<string, number>;
  /** Ended, and waiting for a client to collect them. */
  uncollected: number;
  runsPerSecond: number | undefined;
  eventsPerSecond: number | undefined;
  leftMs: number | undefined;
}

/** The rate is that of the last minute. */
const WINDOW_MS = 60_000;

export function summarize(view: CampaignView, now = Date.now()): Summary {
  const { campaign, cancelled, rows } = view;
  const states: Record<string, number> = {};
  const tally = { recent: 0, first: Infinity, wallTimeMs: 0, ended: 0, events: 0, remaining: 0, unknown: 0 };
  for (const row of rows.values()) {
    states[row.state] = (states[row.state] ?? 0) + 1;
    tally.first = Math.min(tally.first, row.startedAt ?? Infinity);
    if (row.state === "running") {
      tally.events += row.eventsPerSecond ?? 0;
      const spent = row.startedAt === undefined ? undefined : now - row.startedAt;
      if (spent !== undefined && row.percent !== undefined && row.percent > 0)
        tally.remaining += (spent * (100 - row.percent)) / row.percent;
      else tally.unknown++;
    } else if (row.finishedAt !== undefined) {
      tally.ended++;
      tally.wallTimeMs += row.wallTimeMs ?? 0;
      if (row.finishedAt > now - WINDOW_MS) tally.recent++;
    }
  }
  const [queued, running] = [states["queued"] ?? 0, states["running"] ?? 0];
  const known = rows.size;
  if (known < campaign.runs)
    states[cancelled ? "cancelled" : "unknown"] =
      (states[cancelled ? "cancelled" : "unknown"] ?? 0) + campaign.runs - known;
  const open = queued + running > 0;
  const mean = tally.ended > 0 ? tally.wallTimeMs / tally.ended : running > 0 ? tally.remaining / running : 0;
  return {
    id: campaign.id,
    user: campaign.user,
    study: path.posix.join(campaign.checkoutName, campaign.study),
    config: campaign.config,
    createdAt: campaign.createdAt,
    runs: campaign.runs,
    cancelled,
    states,
    uncollected: Math.max(0, view.open - queued - running),
    runsPerSecond:
      open && tally.recent > 0
        ? (tally.recent * 1000) / Math.min(WINDOW_MS, Math.max(1000, now - tally.first))
        : undefined,
    eventsPerSecond: running > 0 && tally.events > 0 ? tally.events : undefined,
    leftMs:
      running > 0 && mean > 0 ? (tally.remaining + (queued + tally.unknown) * mean) / running : undefined,
  };
}
