import { writeFileSync } from "node:fs";
import path from "node:path";
import type { RunJob } from "../../model/campaign.ts";
import type { Usage, RunResult } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import type { SimulationEnd } from "../../omnetpp/simulate.ts";
import type { ExecutionContext, RunnerDependencies } from "./execution-context.ts";
import type { ProcessTimes } from "./batches.ts";
import { readReport, type ForkedUsage } from "./forking.ts";
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
import { separate, type Part } from "./separate.ts";
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
  const library = deps.batches.forkLibrary(campaign);
  const forking = library === undefined ? undefined : { library, report: path.join(slot.directory, "forks") };
  const simulated = await simulateIn(tree, batch, runs, output, limits, forking);
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
  const parts = separate(tree.mirror, {
    runs,
    printed: printed.file,
    written,
    forked: forking !== undefined,
  });
  const durations = forking === undefined ? parts?.map(durationOf) : readReport(forking.report, runs);
  if (parts === undefined || durations === undefined) return undefined;
  batch.release();
  void deps.batches.learn(campaign, tree, timesOfProcess(durations, simulated));
  const times = timesOf(durations, startedAt, end);
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

/** What a run of a batch took, as far as it is known. */
type Duration = { wallMs: number } & Partial<
  Pick<ForkedUsage, "startedAt" | "cpuTimeMs" | "peakMemoryBytes">
>;

function durationOf({ elapsedMs }: Part): Duration {
  return { wallMs: elapsedMs };
}

/** Returns the average wall time of a run, and the time until the first one began: 0 if it was not measured. */
function timesOfProcess(
  durations: readonly Duration[],
  { end, startedAt }: { end: SimulationEnd; startedAt: number },
): ProcessTimes {
  const startMs = Math.max(0, (durations[0]?.startedAt ?? startedAt) - startedAt);
  return { startMs, runMs: Math.max(0, end.usage.wallTimeMs - startMs) / durations.length };
}

/**
 * Returns when each run of a batch started and finished, and its usage. The wall time of a run is what it took itself
 * plus an equal share of the rest; so is its CPU time, or proportional to that if it is not known.
 */
function timesOf(
  durations: readonly Duration[],
  startedAt: number,
  { usage }: SimulationEnd,
): { startedAt: number; finishedAt: number; usage: Usage }[] {
  const total = durations.reduce((sum, { wallMs }) => sum + wallMs, 0);
  const share = Math.max(0, usage.wallTimeMs - total) / durations.length;
  let at = startedAt;
  return durations.map(({ wallMs, cpuTimeMs, peakMemoryBytes = usage.peakMemoryBytes }) => {
    const wallTimeMs = Math.max(1, Math.round(wallMs + share));
    const ofProcess = usage.cpuTimeMs ?? 0;
    const cpu =
      cpuTimeMs === undefined
        ? (ofProcess * (wallMs + share)) / Math.max(1, usage.wallTimeMs)
        : cpuTimeMs + ofProcess / durations.length;
    const own = {
      wallTimeMs,
      ...(usage.cpuTimeMs !== undefined && { cpuTimeMs: Math.round(cpu) }),
      ...(peakMemoryBytes !== undefined && { peakMemoryBytes }),
    };
    return { startedAt: at, finishedAt: (at += wallTimeMs), usage: own };
  });
}
