import type { PredictedTimes } from "./run-order.ts";

/** The progress of a running run; fractions of the whole run are from 0 to 1. */
interface RunningPart {
  /** Time since it was first observed. */
  elapsedMs: number;
  /** Fraction that was simulated in that time. */
  gained: number;
  /** Fraction that is left. */
  left: number;
}

interface OpenWork {
  running: readonly RunningPart[];
  /** Number of runs that have not started. */
  waiting: number;
  /** Number of concurrent runs; it may be a mean. */
  parallel: number;
  /** Mean wall time of finished runs; undefined if none has finished. */
  meanMs: number | undefined;
  /** What is predicted for the waiting runs, or for more of them than still wait; undefined: the mean. */
  predicted?: PredictedTimes | undefined;
}

/**
 * Returns the estimated time left of a campaign, in ms, from the progress of its running runs, the wall time of finished
 * ones and what is predicted for the others: the maximum of the time left of the slowest run, of all work divided by the
 * number of runners, of the rounds in which the waiting runs are executed, and of the longest of them if it is the next
 * to start. Undefined if nothing is known.
 */
export function estimateTimeLeft(work: OpenWork): number | undefined {
  const { running, waiting, parallel, meanMs } = work;
  const predicted = running.flatMap(({ elapsedMs, gained }) => (gained > 0 ? [elapsedMs / gained] : []));
  const seen = meanMs ?? (predicted.length > 0 ? sum(predicted) / predicted.length : undefined);
  const mean = seen ?? (work.predicted && work.predicted.totalMs / work.predicted.runs);
  if (mean === undefined) return undefined;
  const left = running.map((run) =>
    run.gained > 0 ? (run.elapsedMs / run.gained) * run.left : Math.max(0, mean * run.left - run.elapsedMs),
  );
  const runners = Math.max(1, parallel);
  const each = timesOf(work.predicted, mean);
  const firstRoundMs = waiting === 0 || running.length < runners ? 0 : Math.min(...left);
  return Math.max(
    0,
    ...left,
    (sum(left) + waiting * each.mean) / runners,
    firstRoundMs + Math.max(Math.ceil(waiting / runners) * each.shortest, waiting > 0 ? each.longest : 0),
  );
}

/** Returns what is expected of one of the waiting runs, in ms. */
function timesOf(predicted: PredictedTimes | undefined, mean: number) {
  if (predicted === undefined || predicted.runs === 0) return { mean, shortest: mean, longest: mean };
  const { runs, totalMs, shortestMs, longestMs } = predicted;
  return { mean: totalMs / runs, shortest: shortestMs, longest: longestMs };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Period over which the number of busy runners is measured, in ms. */
export const PACE_WINDOW_MS = 60_000;

/** When a run that has ended was executed, in ms since 1970. */
export interface EndedPart {
  startedAt: number;
  finishedAt: number;
}

/** A run that occupies a runner. Of a batch, which executes its runs one after the other, it is only the first. */
export interface OccupyingRun {
  /** When it was first observed, in ms since 1970; undefined if it has not reported anything. */
  since: number | undefined;
  /** Its progress at that time; undefined: 0. */
  sincePercent?: number;
  /** Undefined if it has not reported any. */
  percent: number | undefined;
}

/** What is known about the runs of a campaign. */
export interface CampaignPace {
  /** One for each occupied runner. */
  occupying: readonly OccupyingRun[];
  /** Number of runs that have not started, including those that wait in a batch. */
  waiting: number;
  /** Number of ended runs that were executed, and the sum of their wall times. */
  ended: { runs: number; wallTimeMs: number };
  /** The runs that have ended within the last minute; others are ignored. */
  recent: Iterable<EndedPart>;
  /** When the first run started, in ms since 1970; undefined if none has. */
  firstStartedAt: number | undefined;
  /** What was predicted for the runs that had not started at some time; undefined if nothing was. */
  predicted?: PredictedTimes | undefined;
}

/**
 * Returns the estimated time left of a campaign, in ms; undefined if no run is left, none is running, or nothing is
 * known. The number of runners is the mean of the last minute, because fewer are counted between two short runs.
 */
export function timeLeftOf(pace: CampaignPace, now: number): number | undefined {
  const { occupying, waiting, ended, predicted } = pace;
  const parallel = Math.max(occupying.length, busyRunners(pace, now));
  if (occupying.length + waiting === 0 || parallel === 0) return undefined;
  const running = occupying.map(({ since = now, sincePercent = 0, percent = 0 }) => ({
    elapsedMs: now - since,
    gained: (percent - sincePercent) / 100,
    left: 1 - percent / 100,
  }));
  const meanMs = ended.runs > 0 ? ended.wallTimeMs / ended.runs : undefined;
  return estimateTimeLeft({ running, waiting, parallel, meanMs, predicted });
}

/** Returns the mean number of runners that were busy within the last minute. */
function busyRunners({ occupying, recent, firstStartedAt = Infinity }: CampaignPace, now: number): number {
  const begin = now - PACE_WINDOW_MS;
  let busyMs = 0;
  for (const { since = now } of occupying) busyMs += now - Math.max(since, begin);
  for (const { startedAt, finishedAt } of recent)
    busyMs += Math.max(0, Math.min(finishedAt, now) - Math.max(startedAt, begin));
  const first = Math.min(firstStartedAt, ...occupying.map(({ since = now }) => since));
  return busyMs / Math.min(PACE_WINDOW_MS, Math.max(1000, now - first));
}
