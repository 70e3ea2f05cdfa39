/** What is known of a run that is being executed: parts of the whole run, from 0 to 1. */
interface RunningPart {
  /** Since it is watched. */
  elapsedMs: number;
  /** How much of it was executed in that time. */
  gained: number;
  left: number;
}

export interface OpenWork {
  running: readonly RunningPart[];
  /** Runs that have not started. */
  waiting: number;
  /** How many are executed at the same time; on average, where that is known. */
  parallel: number;
  /** What a finished run took on average; undefined if none has finished. */
  meanMs: number | undefined;
}

/**
 * Estimates how long a campaign still takes, in ms, from the progress that its runs report and from those that have ended.
 * At the end it is the slowest run that counts, not the sum: it is the largest of what the run that takes
 * longest needs, what all work takes on all runners, and what the waiting runs take in rounds.
 * @returns undefined if nothing is known.
 */
export function estimateTimeLeft({ running, waiting, parallel, meanMs }: OpenWork): number | undefined {
  const whole = running.flatMap(({ elapsedMs, gained }) => (gained > 0 ? [elapsedMs / gained] : []));
  const mean = meanMs ?? (whole.length > 0 ? sum(whole) / whole.length : undefined);
  if (mean === undefined) return undefined;
  const left = running.map((run) =>
    run.gained > 0 ? (run.elapsedMs / run.gained) * run.left : Math.max(0, mean * run.left - run.elapsedMs),
  );
  const runners = Math.max(1, parallel);
  const rounds = waiting === 0 ? 0 : Math.min(...left, Infinity);
  return Math.max(
    0,
    ...left,
    (sum(left) + waiting * mean) / runners,
    (Number.isFinite(rounds) ? rounds : 0) + Math.ceil(waiting / runners) * mean,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
