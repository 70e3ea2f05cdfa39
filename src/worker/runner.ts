import { hostname } from "node:os";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { BuildManifest } from "../model/build.ts";
import type { Campaign, RunJob } from "../model/campaign.ts";
import { runJobId } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { ResultFile, RunResult } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { ResultStore } from "../results/store.ts";
import { CmdenvOutput } from "../simulation/cmdenv-output.ts";
import { simulate, type SimulationEnd, type SimulationLimits } from "../simulation/simulate.ts";
import { DiskFullError, diskIsFull } from "../system/disk.ts";
import type { Batches } from "./batches.ts";
import { commandFor } from "./command.ts";
import { placeOutput } from "./output-file.ts";
import type { Slot, SlotTree } from "./slot.ts";

export interface RunnerDependencies {
  builds: BuildStore;
  results: ResultStore;
  /** Told how long runs take. */
  batches: Batches;
  /** From SIGINT to SIGKILL. */
  graceMs: number;
}

/** Where and for whom runs are made. */
export interface Surroundings {
  campaign: Campaign;
  slot: Slot;
  /** The simulation has ended: the next one may begin beside what is left to do. */
  release: () => void;
  /** The campaign is cancelled: the run ends and says so. */
  cancelled: AbortSignal;
  /** The runner itself ends, or has lost the job: whatever the run has done is thrown away. */
  abandoned: AbortSignal;
}

export interface RunAttempt extends Surroundings {
  job: RunJob;
  attempt: number;
  report: (progress: object) => void;
  /** What the simulation prints, as it comes. */
  print: (text: string) => void;
}

/** A run that has ended, with its files still in the working tree. */
export type EndedRun = Pick<RunResult, "outcome" | "usage" | "warnings" | "startedAt" | "finishedAt"> & {
  job: RunJob;
  attempt: number;
  written: readonly ResultFile[];
  /** The file with what it printed. */
  printed: string;
};

/**
 * Makes one run in a slot and stores what it wrote.
 * Whatever the simulation does is a result; an error is one of ours, or of the machine.
 */
export async function makeRun(attempt: RunAttempt, deps: RunnerDependencies): Promise<RunResult> {
  return await inTree(attempt, deps, (tree) => runIn(tree, attempt, deps));
}

/** Does work in a tree of the slot; one in which it fails is made anew. */
export async function inTree<T>(
  { campaign, slot, abandoned }: Surroundings,
  { builds }: RunnerDependencies,
  work: (tree: SlotTree) => Promise<T>,
): Promise<T> {
  const { source, buildKey, checkoutName, dependencies } = campaign;
  const manifest = async (): Promise<BuildManifest> => {
    const found = await builds.find(buildKey);
    if (found === undefined) throw new UserError(`build ${buildKey} is not there any more`);
    return found;
  };
  ensureRoom(slot.directory);
  const tree = await slot.prepare({ source, checkoutName, buildKey, manifest, dependencies }, abandoned);
  try {
    return await work(tree);
  } catch (error) {
    await slot.discard(tree);
    throw error;
  }
}

async function runIn(tree: SlotTree, attempt: RunAttempt, deps: RunnerDependencies): Promise<RunResult> {
  const { campaign, job, slot } = attempt;
  const output = new CmdenvOutput({ onProgress: (_run, progress) => attempt.report(progress) });
  const both: Pick<CmdenvOutput, "write"> = {
    write(text, stream) {
      output.write(text, stream);
      attempt.print(text);
    },
  };
  const limits = { timeoutMs: campaign.timeoutMs, graceMs: deps.graceMs };
  const {
    end,
    printed,
    startedAt,
    warnings: told,
  } = await simulateIn(tree, attempt, [job.run], both, limits);
  const finishedAt = Date.now();
  attempt.release();
  const outcome = output.outcomeOf(job.run.runNumber, end);
  if (outcome.state === "done") void deps.batches.learn(campaign, tree, end.usage.wallTimeMs);
  const difference = await slot.difference(tree);
  const flood = end.omittedOutputBytes > 0 ? [floodWarning(end.omittedOutputBytes)] : [];
  const warnings = told.length + flood.length > 0 ? [...told, ...flood] : undefined;
  const { usage } = end;
  const { written } = difference;
  const ended = { job, attempt: attempt.attempt, outcome, usage, warnings, startedAt, finishedAt, written };
  const result = await keep(tree, { ...ended, printed }, attempt, deps.results);
  await slot.clean(tree, difference, pathsOf(result.files));
  return result;
}

/**
 * Makes one or several runs in one process.
 * @returns how it ended, the file with what it printed, when it was begun, and what the user is to be told.
 */
export async function simulateIn(
  tree: SlotTree,
  { campaign, slot, cancelled, abandoned }: Surroundings,
  runs: readonly [Run, ...Run[]],
  output: Pick<CmdenvOutput, "write">,
  limits: Pick<SimulationLimits, "timeoutMs" | "graceMs">,
): Promise<{ end: SimulationEnd; printed: string; startedAt: number; warnings: string[] }> {
  const startedAt = Date.now();
  const printed = path.join(slot.directory, "output");
  slot.begin(tree);
  const { warnings, ...command } = await commandFor(tree, campaign, runs);
  const end = await simulate(
    { ...command, outputFile: printed },
    output,
    (identity) => slot.remember(identity),
    { ...limits, signal: AbortSignal.any([cancelled, abandoned]) },
  );
  abandoned.throwIfAborted();
  ensureRoom(slot.directory);
  return { end, printed, startedAt, warnings };
}

/** Stores what a run has written; its files are gone from the tree then. */
export async function keep(
  tree: SlotTree,
  { job, attempt, written, printed, outcome, usage, warnings, startedAt, finishedAt }: EndedRun,
  { campaign, abandoned }: Pick<Surroundings, "campaign" | "abandoned">,
  results: ResultStore,
): Promise<RunResult> {
  const outputFile = await placeOutput(printed, tree.root, { campaign, run: job.run, written });
  const all = [...written, outputFile];
  const stored = `${runJobId(campaign.id, job.run.runNumber)}/${attempt}`;
  const files = (await results.put(stored, tree.root, pathsOf(all), abandoned)) ?? all;
  return {
    protocol: PROTOCOL,
    outcome,
    usage,
    stored,
    files,
    outputFile: outputFile.path,
    ...(warnings !== undefined && { warnings }),
    startedAt,
    finishedAt,
    worker: hostname(),
  };
}

export function pathsOf(files: readonly ResultFile[]): string[] {
  return files.map((file) => file.path);
}

/** On a full disk a simulation may end as if all were well, with files that are cut off. */
function ensureRoom(directory: string): void {
  if (diskIsFull(directory)) throw new DiskFullError(`the disk of ${directory} on ${hostname()} is full`);
}

function floodWarning(omitted: number): string {
  return `it printed very much; ${omitted} bytes from the middle of its output are not kept`;
}

/** The answer for a run that was never started here. */
export function withoutRunning(state: "cancelled" | "lost" | "crashed", reason: string): RunResult {
  const now = Date.now();
  return {
    protocol: PROTOCOL,
    outcome: { state, reason },
    usage: { wallTimeMs: 0 },
    files: [],
    startedAt: now,
    finishedAt: now,
    worker: hostname(),
  };
}
