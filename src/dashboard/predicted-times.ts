import type { Run } from "../model/run.ts";
import { longestFirst, type PredictedTimes } from "../model/run-order.ts";
import { MOST_PREDICTED_RUNS, PREDICTION_SHARE, RELIABLE_PERCENT, RunTimes } from "../model/run-times.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";

type Predictable = Pick<CampaignView, "campaign" | "rows" | "variables" | "version">;

interface Known {
  version: number;
  /** Until when it is not computed again, on the clock of `performance.now`. */
  until: number;
  predicted: PredictedTimes | undefined;
}

const known = new WeakMap<Predictable, Known>();

/**
 * Returns what is predicted for the waiting runs of a campaign from its other runs and, as far as its client knew
 * them, from earlier campaigns; undefined if nothing is known.
 */
export function predictedTimes(view: Predictable, now: number): PredictedTimes | undefined {
  if (view.rows.size > MOST_PREDICTED_RUNS) return undefined;
  const last = known.get(view);
  const startedAt = performance.now();
  if (last !== undefined && (last.version === view.version || startedAt < last.until)) return last.predicted;
  const predicted = predict(view, now);
  const until = performance.now() + (performance.now() - startedAt) * PREDICTION_SHARE;
  known.set(view, { version: view.version, until, predicted });
  return predicted;
}

function predict({ campaign, rows, variables }: Predictable, now: number): PredictedTimes | undefined {
  const times = new RunTimes();
  const waiting: Run[] = [];
  for (const row of rows.values()) {
    const run = runOf(row, campaign.config, variables);
    if (row.expectedMs !== undefined) times.addEarlier(run, row.expectedMs);
    if (row.state === "queued") waiting.push(run);
    else if (row.state === "done") times.add(run, row.wallTimeMs ?? 0);
    else if (row.state === "running") times.expect(run, expectedMs(row, now));
  }
  return longestFirst(waiting, times).predicted;
}

function runOf({ runNumber, repetition, values }: Row, config: string, variables: readonly string[]): Run {
  const entries = variables.map((name, index) => [name, values[index] ?? ""] as const);
  return { config, runNumber, repetition, iterationVariables: Object.fromEntries(entries) };
}

function expectedMs({ startedAt, percent }: Row, now: number): number | undefined {
  if (startedAt === undefined || percent === undefined || percent < RELIABLE_PERCENT) return undefined;
  return ((now - startedAt) / percent) * 100;
}
