import { writeFileSync } from "node:fs";
import path from "node:path";
import type { RunJob } from "../../model/campaign.ts";
import type { Usage, RunResult } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import type { SimulationEnd } from "../../omnetpp/simulate.ts";
import type { ExecutionContext, RunnerDependencies } from "./execution-context.ts";
import { endedCopies, endedParts, type EndedInBatch } from "./batch-runs.ts";
import type { ProcessTimes } from "./batches.ts";
import { openForking } from "./forking.ts";
import { differenceOf } from "../tree/difference.ts";
import { outputsOf, pathsOf, storeRun, withoutRunning, withTree, type EndedRun } from "./runner.ts";
import { simulateIn, type Simulated } from "./run-process.ts";
import { separate } from "./separate.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

const GRACE_MS = 1000;

interface BatchJob {
  job: RunJob;
  attempt: number;
}

export interface BatchAttempt extends ExecutionContext {
  /** The library with which each run is executed in a copy of the process; undefined: one after the other in it. */
  forkLibrary: string | undefined;
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
  const { campaign, slot, jobs, forkLibrary } = batch;
  const [first, ...others] = jobs;
  const runs: [Run, ...Run[]] = [first.job.run, ...others.map(({ job }) => job.run)];
  using forking =
    forkLibrary === undefined ? undefined : openForking(forkLibrary, path.join(slot.directory, "forks"));
  const output = new CmdenvOutput();
  const limits = { timeoutMs: deps.batches.timeoutMs(campaign, jobs.length), graceMs: GRACE_MS };
  const simulated = await simulateIn(tree, batch, { runs, forking }, output, limits);
  const { end, printed, startedAt } = simulated;
  if (forking?.flood.aborted === true) return undefined;
  if (end.cancelled) {
    await slot.discard(tree);
    return jobs.map(() => withoutRunning("cancelled", "cancelled"));
  }
  const ended = forking ? endedCopies(forking, runs, simulated) : endedParts(output, runs, simulated);
  const processSucceeded = end.exitCode === 0 && end.omittedOutputBytes === 0;
  const allCompleted = processSucceeded && ended?.every(({ outcome }) => outcome.state === "done") === true;
  const difference = await differenceOf(tree, slot);
  const { files: written, folders, warnings, problems } = outputsOf(tree, campaign, difference);
  const unclear = [...difference.damaged, ...folders, ...warnings, ...problems];
  if (!allCompleted || unclear.length > 0) return undefined;
  const runIds = ended.map(({ runId }) => runId);
  const files = separate(tree.mirror, runIds, written);
  if (files === undefined) return undefined;
  batch.release();
  void deps.batches.learn(campaign, tree, timesOfProcess(ended, simulated), jobs.length);
  const times = timesOf(ended, startedAt, end);
  const results: RunResult[] = [];
  for (const [at, { outcome, text }] of ended.entries()) {
    const file = `${printed.file}-${at}`;
    writeFileSync(file, text, "latin1");
    const run: EndedRun = {
      ...jobs[at]!,
      ...times[at]!,
      outcome,
      outputs: { files: files[at]!, folders: [] },
      printed: { file },
      ...(at === 0 && simulated.warnings.length > 0 && { warnings: simulated.warnings }),
    };
    results.push(await storeRun(tree, run, batch, deps.results));
  }
  await slot.clean(
    tree,
    difference,
    results.flatMap(({ files: stored }) => pathsOf(stored)),
  );
  return results;
}

/** Returns the average wall time of a run, and the time until the first one began: 0 if it was not measured. */
function timesOfProcess(ended: readonly EndedInBatch[], { end, launchedAt }: Simulated): ProcessTimes {
  const startMs = Math.max(0, (ended[0]?.startedAt ?? launchedAt) - launchedAt);
  return { startMs, runMs: Math.max(0, end.usage.wallTimeMs - startMs) / ended.length };
}

/**
 * Returns when each run of a batch started and finished, and its usage. The wall time of a run is what it took itself
 * plus an equal share of the rest; so is its CPU time, or proportional to that if it is not known.
 */
function timesOf(
  ended: readonly EndedInBatch[],
  startedAt: number,
  { usage }: SimulationEnd,
): { startedAt: number; finishedAt: number; usage: Usage }[] {
  const total = ended.reduce((sum, { wallMs }) => sum + wallMs, 0);
  const share = Math.max(0, usage.wallTimeMs - total) / ended.length;
  let at = startedAt;
  return ended.map(({ wallMs, cpuTimeMs, peakMemoryBytes = usage.peakMemoryBytes }) => {
    const wallTimeMs = Math.max(1, Math.round(wallMs + share));
    const ofProcess = usage.cpuTimeMs ?? 0;
    const cpu =
      cpuTimeMs === undefined
        ? (ofProcess * (wallMs + share)) / Math.max(1, usage.wallTimeMs)
        : cpuTimeMs + ofProcess / ended.length;
    const own = {
      wallTimeMs,
      ...(usage.cpuTimeMs !== undefined && { cpuTimeMs: Math.round(cpu) }),
      ...(peakMemoryBytes !== undefined && { peakMemoryBytes }),
    };
    return { startedAt: at, finishedAt: (at += wallTimeMs), usage: own };
  });
}
