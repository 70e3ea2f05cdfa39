/** The progress of a running run; fractions of the whole run are from 0 to 1. */
interface RunningPart {
  /** Time since it was first observed. */
  elapsedMs: number;
  /** Fraction that was simulated in that time. */
  gained: number;
  /** Fraction that is left. */
  left: number;
}

export interface OpenWork {
  running: readonly RunningPart[];
  /** Number of runs that have not started. */
  waiting: number;
  /** Number of concurrent runs; it may be a mean. */
  parallel: number;
  /** Mean wall time of finished runs; undefined if none has finished. */
  meanMs: number | undefined;
}

/**
 * Returns the estimated time left of a campaign, in ms, from the progress of its running runs and the wall
 * time of finished ones: the maximum of the time left of the slowest run, of all work divided by the number
 * of runners, and of the rounds in which the waiting runs are executed. Undefined if nothing is known.
 */
export function estimateTimeLeft({ running, waiting, parallel, meanMs }: OpenWork): number | undefined {
  const predicted = running.flatMap(({ elapsedMs, gained }) => (gained > 0 ? [elapsedMs / gained] : []));
  const mean = meanMs ?? (predicted.length > 0 ? sum(predicted) / predicted.length : undefined);
  if (mean === undefined) return undefined;
  const left = running.map((run) =>
    run.gained > 0 ? (run.elapsedMs / run.gained) * run.left : Math.max(0, mean * run.left - run.elapsedMs),
  );
  const runners = Math.max(1, parallel);
  const firstRoundMs = waiting === 0 ? 0 : Math.min(...left, Infinity);
  return Math.max(
    0,
    ...left,
    (sum(left) + waiting * mean) / runners,
    (Number.isFinite(firstRoundMs) ? firstRoundMs : 0) + Math.ceil(waiting / runners) * mean,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
