import path from "node:path";
import { estimateTimeLeft, type OpenWork } from "../model/time-left.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";

/** A campaign in one row. Times are in ms. */
export interface Summary {
  id: string;
  user: string;
  study: string;
  config: string;
  createdAt: number;
  runs: number;
  cancelled: boolean;
  /** How many runs are in each state; one of which nothing is left here is `without a record`. */
  states: Record<string, number>;
  /** Ended, and waiting for a client to collect them. */
  uncollected: number;
  runsPerSecond: number | undefined;
  eventsPerSecond: number | undefined;
  leftMs: number | undefined;
}

/** Rates are those of the last minute. */
const WINDOW_MS = 60_000;

export function summarize(view: CampaignView, now = Date.now()): Summary {
  const { campaign, cancelled, rows } = view;
  const states = countStates(view);
  const [queued, running] = [states["queued"] ?? 0, states["running"] ?? 0];
  const recent = lookBack(rows.values(), now);
  const eventsPerSecond = sum(rows.values(), (row) =>
    row.state === "running" ? (row.eventsPerSecond ?? 0) : 0,
  );
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
    runsPerSecond: queued + running > 0 && recent.runs > 0 ? (recent.runs * 1000) / recent.ms : undefined,
    eventsPerSecond: eventsPerSecond > 0 ? eventsPerSecond : undefined,
    leftMs: timeLeft(rows.values(), { queued, running, busy: recent.busyMs / recent.ms, now }),
  };
}

function countStates({ campaign, cancelled, rows }: CampaignView): Record<string, number> {
  const states: Record<string, number> = {};
  const add = (state: string, count: number): number => (states[state] = (states[state] ?? 0) + count);
  for (const { state } of rows.values()) add(state, 1);
  if (rows.size < campaign.runs) add(cancelled ? "cancelled" : "without a record", campaign.runs - rows.size);
  return states;
}

interface Recent {
  /** How many ended. */
  runs: number;
  /** How long runs were made in that time, added up. */
  busyMs: number;
  /** How long we look back. */
  ms: number;
}

function lookBack(rows: Iterable<Row>, now: number): Recent {
  const recent = { runs: 0, busyMs: 0 };
  const since = now - WINDOW_MS;
  let first = now;
  for (const { state, startedAt, finishedAt } of rows) {
    if (startedAt === undefined) continue;
    first = Math.min(first, startedAt);
    const until = state === "running" ? now : (finishedAt ?? 0);
    if (until <= since) continue;
    recent.busyMs += until - Math.max(startedAt, since);
    if (state !== "running") recent.runs++;
  }
  return { ...recent, ms: Math.min(WINDOW_MS, Math.max(1000, now - first)) };
}

/**
 * Estimates the time left; undefined if nothing is left or nothing runs.
 * @param pace.busy how many runs were executed at the same time; between two short runs fewer count as running.
 */
function timeLeft(
  rows: Iterable<Row>,
  { queued, running, busy, now }: { queued: number; running: number; busy: number; now: number },
): number | undefined {
  const ended = { count: 0, ms: 0 };
  const parts: OpenWork["running"][number][] = [];
  for (const { state, finishedAt, wallTimeMs, startedAt, percent = 0 } of rows) {
    if (finishedAt !== undefined && wallTimeMs !== undefined) {
      ended.count++;
      ended.ms += wallTimeMs;
    } else if (state === "running") {
      const elapsedMs = startedAt === undefined ? 0 : now - startedAt;
      parts.push({ elapsedMs, gained: percent / 100, left: 1 - percent / 100 });
    }
  }
  const parallel = Math.max(running, busy);
  if (queued + running === 0 || parallel === 0) return undefined;
  const meanMs = ended.count > 0 ? ended.ms / ended.count : undefined;
  return estimateTimeLeft({ running: parts, waiting: queued, parallel, meanMs });
}

function sum(rows: Iterable<Row>, valueOf: (row: Row) => number): number {
  let total = 0;
  for (const row of rows) total += valueOf(row);
  return total;
}
