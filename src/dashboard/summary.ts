import path from "node:path";
import type { Actions, Summary } from "../model/dashboard.ts";
import { OUTCOME_STATES } from "../model/outcome.ts";
import { PACE_WINDOW_MS, timeLeftOf, type EndedPart, type OccupyingRun } from "../model/time-left.ts";
import type { CampaignView } from "./campaign-view.ts";
import { predictedTimes } from "./predicted-times.ts";
import { isEnded, type Row } from "./row.ts";

/** Returns the figures of a campaign. */
export function summarize(view: CampaignView, now = Date.now()): Summary {
  const { campaign, cancelled, rows, states, reading, trouble } = view;
  const work = workOf(rows, now);
  const isActive = (states["queued"] ?? 0) + (states["running"] ?? 0) > 0;
  return {
    id: campaign.id,
    user: campaign.user,
    study: path.posix.join(campaign.checkoutName, campaign.study),
    config: campaign.config,
    createdAt: campaign.createdAt,
    runs: campaign.runs,
    cancelled,
    states,
    reading,
    trouble,
    superseded: work.superseded,
    actions: actionsOf(view, isActive),
    uncollected: work.uncollected,
    runsPerSecond: isActive ? runRate(work, now) : undefined,
    eventsPerSecond: work.eventsPerSecond > 0 ? work.eventsPerSecond : undefined,
    leftMs: timeLeft(view, { work, states, now }),
  };
}

/** What the rows say about the work of a campaign. */
interface Work {
  occupying: OccupyingRun[];
  ended: { runs: number; wallTimeMs: number };
  recent: EndedPart[];
  firstStartedAt: number | undefined;
  eventsPerSecond: number;
  uncollected: number;
  superseded: Record<string, number>;
}

function workOf(rows: ReadonlyMap<number, Row>, now: number): Work {
  const batched = batchedRuns(rows);
  const work: Work = {
    occupying: [],
    ended: { runs: 0, wallTimeMs: 0 },
    recent: [],
    firstStartedAt: undefined,
    eventsPerSecond: 0,
    uncollected: 0,
    superseded: {},
  };
  for (const row of rows.values()) {
    const { runNumber, startedAt, supersededBy: by } = row;
    if (isEnded(row)) addEnded(work, row, now);
    else if (row.state === "running") {
      work.eventsPerSecond += row.eventsPerSecond ?? 0;
      if (!batched.has(runNumber)) work.occupying.push({ since: startedAt, percent: row.percent });
    }
    if (by !== undefined) work.superseded[by] = (work.superseded[by] ?? 0) + 1;
  }
  return work;
}

/** Returns the running runs that wait for another one in the same process. */
export function batchedRuns(rows: ReadonlyMap<number, Row>): Set<number> {
  const leaders = [...rows.values()].filter(({ state, batch }) => state === "running" && batch !== undefined);
  return new Set(leaders.flatMap(({ batch }) => batch ?? []));
}

function addEnded(work: Work, { startedAt, finishedAt, wallTimeMs, origin }: Row, now: number): void {
  if (origin === "job") work.uncollected++;
  if (!wallTimeMs) return; // it was not executed
  work.ended.runs++;
  work.ended.wallTimeMs += wallTimeMs;
  if (startedAt === undefined || finishedAt === undefined || !(startedAt <= finishedAt)) return;
  work.firstStartedAt = Math.min(startedAt, work.firstStartedAt ?? Infinity);
  if (finishedAt > now - PACE_WINDOW_MS) work.recent.push({ startedAt, finishedAt });
}

/** Returns how many runs ended per second in the last minute; undefined if none has. */
function runRate({ recent, firstStartedAt = Infinity }: Work, now: number): number | undefined {
  const ms = Math.min(PACE_WINDOW_MS, Math.max(1000, now - firstStartedAt));
  return recent.length === 0 ? undefined : (recent.length * 1000) / ms;
}

interface Figures {
  work: Work;
  states: CampaignView["states"];
  now: number;
}

function timeLeft(view: CampaignView, { work, states, now }: Figures): number | undefined {
  const { queued = 0, running = 0 } = states;
  const waiting = queued + running - work.occupying.length;
  return timeLeftOf(
    { ...work, waiting, predicted: waiting > 0 ? predictedTimes(view, now) : undefined },
    now,
  );
}

function actionsOf(view: CampaignView, isActive: boolean): Actions {
  const { campaign, cancelled, rows, folder, states } = view;
  const isUnfinished = (row: Row): boolean => isEnded(row) && row.state !== "done";
  const ready = [...rows.values()].filter(
    (row) =>
      isUnfinished(row) &&
      row.supersededBy === undefined &&
      (row.origin === "record" || row.origin === "unstarted") &&
      !view.isOpen(row.runNumber),
  );
  const all = OUTCOME_STATES.reduce((sum, state) => sum + (state === "done" ? 0 : (states[state] ?? 0)), 0);
  const replaced = [...rows.values()].filter((row) => row.supersededBy !== undefined && isUnfinished(row));
  const retry = folder === undefined ? 0 : ready.length;
  const others = all - replaced.length - retry;
  const reason =
    folder === undefined
      ? `campaign ${campaign.id} was not queued on this machine; where it was, run: runall-swarm retry ${campaign.id}`
      : `${others === 1 ? "1 run is" : `${others} runs are`} not yet collected; run: runall-swarm attach ${campaign.id}`;
  return { cancel: isActive && !cancelled, retry, hint: others > 0 ? reason : undefined };
}
