import path from "node:path";
import { estimateTimeLeft, type OpenWork } from "../model/time-left.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";

/** The figures of a campaign in the overview. Times are in ms. */
export interface Summary {
  id: string;
  user: string;
  study: string;
  config: string;
  createdAt: number;
  runs: number;
  cancelled: boolean;
  /** Number of runs by state; runs without a job and without a record on this machine are `without a record`. */
  states: Record<string, number>;
  /** Number of ended runs that no client has collected yet. */
  uncollected: number;
  runsPerSecond: number | undefined;
  eventsPerSecond: number | undefined;
  leftMs: number | undefined;
}

/** Period over which rates are measured. */
const WINDOW_MS = 60_000;

/** Returns the figures of a campaign. */
export function summarize(view: CampaignView, now = Date.now()): Summary {
  const { campaign, cancelled, rows } = view;
  const states = countStates(view);
  const [queued, running] = [states["queued"] ?? 0, states["running"] ?? 0];
  const recent = recentRuns(rows.values(), now);
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
  /** Number of runs that ended in the period. */
  runs: number;
  /** Total wall time of runs in the period. */
  busyMs: number;
  /** Length of the period. */
  ms: number;
}

function recentRuns(rows: Iterable<Row>, now: number): Recent {
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
 * Returns the estimated time left, in ms; undefined if no run is left or none is running.
 * @param pace.busy mean number of runs that were executed concurrently. The number that is running now is
 *   smaller if it is counted between two short runs.
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
