import { writeFileSync } from "node:fs";
import type { RunJob } from "../../model/campaign.ts";
import type { Usage, RunResult } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import type { SimulationEnd } from "../../omnetpp/simulate.ts";
import { differenceOf } from "../tree/difference.ts";
import {
  inTree,
  keep,
  outputsOf,
  pathsOf,
  simulateIn,
  withoutRunning,
  type EndedRun,
  type RunnerDependencies,
  type ExecutionContext,
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
 * Makes several runs of a campaign in one process, one after the other, and stores what each of them wrote.
 * A batch is all or nothing: it counts where every run ended well, and each file says which run wrote it.
 * @returns a result for each job, in the same order; undefined where each has to be made by itself.
 */
export async function executeBatch(
  batch: BatchAttempt,
  deps: RunnerDependencies,
): Promise<RunResult[] | undefined> {
  return await inTree(batch, deps, async (tree) => {
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
  const endedWell = end.exitCode === 0 && end.omittedOutputBytes === 0;
  const allWell = endedWell && outcomes.every(({ state }) => state === "done");
  const difference = await differenceOf(tree, slot);
  const { files: written, warnings, problems } = outputsOf(tree, campaign, difference);
  if (!allWell || difference.damaged.length > 0 || warnings.length + problems.length > 0) return undefined;
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
    results.push(await keep(tree, ended, batch, deps.results));
  }
  await slot.clean(
    tree,
    difference,
    results.flatMap(({ files }) => pathsOf(files)),
  );
  return results;
}

/**
 * When each run of a batch was made, and what it cost: the time that it says has elapsed, and an equal share of what
 * the process needed besides; CPU time in proportion.
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
