import { writeFileSync } from "node:fs";
import type { RunJob } from "../../model/campaign.ts";
import type { Usage, RunResult } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import type { SimulationEnd } from "../../omnetpp/simulate.ts";
import type { ExecutionContext, RunnerDependencies } from "./execution-context.ts";
import { differenceOf } from "../tree/difference.ts";
import {
  outputsOf,
  pathsOf,
  simulateIn,
  storeRun,
  withoutRunning,
  withTree,
  type EndedRun,
} from "./runner.ts";
import { separate } from "./separate.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

const GRACE_MS = 1000;

interface BatchJob {
  job: RunJob;
  attempt: number;
}

export interface BatchAttempt extends ExecutionContext {
  jobs: readonly [BatchJob, ...BatchJob[]];
}

/**
 * Executes several runs of a campaign one after the other in one process and stores the output of each. A
 * batch is all or nothing: it counts only if every run completed and every file contains the id of its run.
 * @returns a result for each job, in the same order; undefined if each run has to be executed in its own
 *   process.
 */
export async function executeBatch(
  batch: BatchAttempt,
  deps: RunnerDependencies,
): Promise<RunResult[] | undefined> {
  return await withTree(batch, deps, async (tree) => {
    const results = await runIn(tree, batch, deps);
    if (results === undefined) await batch.slot.discard(tree);
    return results;
  });
}

async function runIn(
  tree: SlotTree,
  batch: BatchAttempt,
  deps: RunnerDependencies,
): Promise<RunResult[] | undefined> {
  const { campaign, slot, jobs } = batch;
  const output = new CmdenvOutput();
  const [first, ...others] = jobs;
  const runs: [Run, ...Run[]] = [first.job.run, ...others.map(({ job }) => job.run)];
  const limits = { timeoutMs: deps.batches.timeoutMs(campaign), graceMs: GRACE_MS };
  const simulated = await simulateIn(tree, batch, runs, output, limits);
  const { end, printed, startedAt } = simulated;
  if (end.cancelled) {
    await slot.discard(tree);
    return jobs.map(() => withoutRunning("cancelled", "cancelled"));
  }
  const outcomes = runs.map((run) => output.outcomeOf(run.runNumber, end));
  const processSucceeded = end.exitCode === 0 && end.omittedOutputBytes === 0;
  const allCompleted = processSucceeded && outcomes.every(({ state }) => state === "done");
  const difference = await differenceOf(tree, slot);
  const { files: written, warnings, problems } = outputsOf(tree, campaign, difference);
  if (!allCompleted || difference.damaged.length > 0 || warnings.length + problems.length > 0)
    return undefined;
  const parts = separate(tree.mirror, { runs, printed: printed.file, written });
  if (parts === undefined) return undefined;
  batch.release();
  void deps.batches.learn(campaign, tree, end.usage.wallTimeMs / runs.length);
  const times = timesOf(
    parts.map((part) => part.elapsedMs),
    startedAt,
    end,
  );
  const results: RunResult[] = [];
  for (const [at, part] of parts.entries()) {
    const file = `${printed.file}-${at}`;
    writeFileSync(file, part.output);
    const ended: EndedRun = {
      ...jobs[at]!,
      ...times[at]!,
      outcome: outcomes[at]!,
      outputs: { files: part.written, folders: [] },
      printed: { file },
      ...(at === 0 && simulated.warnings.length > 0 && { warnings: simulated.warnings }),
    };
    results.push(await storeRun(tree, ended, batch, deps.results));
  }
  await slot.clean(
    tree,
    difference,
    results.flatMap(({ files }) => pathsOf(files)),
  );
  return results;
}

/**
 * Returns when each run of a batch started and finished, and its usage. The wall time of a run is the elapsed
 * time that Cmdenv printed plus an equal share of the rest; its CPU time is proportional to that.
 */
function timesOf(
  elapsed: readonly number[],
  startedAt: number,
  { usage }: SimulationEnd,
): { startedAt: number; finishedAt: number; usage: Usage }[] {
  const total = elapsed.reduce((sum, ms) => sum + ms, 0);
  const share = Math.max(0, usage.wallTimeMs - total) / elapsed.length;
  let at = startedAt;
  return elapsed.map((ms) => {
    const wallTimeMs = Math.max(1, Math.round(ms + share));
    const cpuTimeMs = Math.round(((usage.cpuTimeMs ?? 0) * (ms + share)) / Math.max(1, usage.wallTimeMs));
    const own = { ...usage, wallTimeMs, ...(usage.cpuTimeMs !== undefined && { cpuTimeMs }) };
    return { startedAt: at, finishedAt: (at += wallTimeMs), usage: own };
  });
}
