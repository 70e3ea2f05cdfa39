import * as v from "valibot";
import type { Run } from "./run.ts";
import type { RunTimes } from "./run-times.ts";

/** Times that differ by less than this factor count as equal: their runs stay in the order of their numbers. */
const SAME = 1.1;
/** Times below this count as equal, too: which of such runs is the last one makes no difference. In ms. */
const SHORT_MS = 1000;

/** The predicted wall times of runs that have not started. */
export const PredictedTimesSchema = v.object({
  runs: v.number(),
  totalMs: v.number(),
  shortestMs: v.number(),
  longestMs: v.number(),
});
export type PredictedTimes = v.InferOutput<typeof PredictedTimesSchema>;

/** In which order to execute runs, and how long they are expected to take. */
export interface RunOrder {
  runs: Run[];
  /** Undefined if no time is known. */
  predicted: PredictedTimes | undefined;
}

/**
 * Returns runs in the order in which to execute them: longest first, so that no long run starts when nothing else is left
 * to do; in the order of their numbers if nothing is known.
 * @see Graham: "Bounds on Multiprocessing Timing Anomalies" (SIAM Journal on Applied Mathematics, 1969)
 */
export function longestFirst(runs: readonly Run[], times: RunTimes): RunOrder {
  const predicted: PredictedTimes = { runs: runs.length, totalMs: 0, shortestMs: Infinity, longestMs: 0 };
  const ranked = runs.map((run) => {
    const ms = times.predict(run);
    if (ms === undefined) return { run, rank: 0 };
    predicted.totalMs += ms;
    predicted.shortestMs = Math.min(predicted.shortestMs, ms);
    predicted.longestMs = Math.max(predicted.longestMs, ms);
    return { run, rank: Math.round(Math.log(Math.max(1, ms / SHORT_MS)) / Math.log(SAME)) };
  });
  ranked.sort((a, b) => b.rank - a.rank || a.run.runNumber - b.run.runNumber);
  return { runs: ranked.map(({ run }) => run), predicted: predicted.totalMs > 0 ? predicted : undefined };
}
