import { hostname } from "node:os";
import path from "node:path";
import type { BuildManifest } from "../../model/build.ts";
import type { Campaign, RunJob } from "../../model/campaign.ts";
import { runJobId } from "../../model/campaign.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import { incomplete, type Outcome, type RunReport } from "../../model/outcome.ts";
import {
  answerWithoutRunning,
  type ResultFile,
  type RunResult,
  type StoredFile,
} from "../../model/result.ts";
import { MissingBuild } from "../../stores/build-store.ts";
import type { ResultStore } from "../../stores/store.ts";
import type { SimulationEnd } from "../../omnetpp/simulate.ts";
import { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import { isInside } from "../../system/paths.ts";
import { isMachineFault } from "../tree/fault-kinds.ts";
import type { ExecutionContext, RunnerDependencies } from "./execution-context.ts";
import { differenceOf, treeLost } from "../tree/difference.ts";
import { FileFollower } from "./follow-file.ts";
import { inspectOutputs, type Outputs } from "../tree/inspect-outputs.ts";
import { neededBeside, writesToNeeded } from "./needed-projects.ts";
import { placeOutput } from "./output-file.ts";
import type { Slot } from "../tree/slot.ts";
import { isIntact, TreeLost, type SlotTree, type TreeRequest } from "../tree/slot-tree.ts";
import type { Difference } from "../tree/snapshot.ts";
import { ensureDiskSpace, simulateIn, type Printed } from "./run-process.ts";
import { storeWithRetries } from "./store-with-retries.ts";

export interface RunAttempt extends ExecutionContext {
  job: RunJob;
  attempt: number;
  report: (report: RunReport) => void;
  /** Receives the simulation's output while it runs. */
  print: (text: string) => void;
}

/** A run that has ended, with its files still in the working tree. */
export type EndedRun = Pick<RunResult, "outcome" | "usage" | "warnings" | "startedAt" | "finishedAt"> & {
  job: RunJob;
  attempt: number;
  outputs: Pick<Outputs, "files" | "folders">;
  printed: Printed;
};

/**
 * Executes one run in a slot and stores its output.
 * A failing simulation is reported as a result. Throws only for errors of the worker or the machine.
 */
export async function executeRun(attempt: RunAttempt, deps: RunnerDependencies): Promise<RunResult> {
  return await withTree(attempt, deps, (tree) => runIn(tree, attempt, deps));
}

/** Calls a function with a working tree of the slot, and discards the tree if the function fails. */
export async function withTree<T>(
  context: ExecutionContext,
  { builds }: RunnerDependencies,
  work: (tree: SlotTree) => Promise<T>,
): Promise<T> {
  const { campaign, slot, abandoned } = context;
  const signal = AbortSignal.any([context.cancelled, abandoned]);
  const { source, buildKey, directory, dependencies, folders, openedLinks } = campaign;
  const isPrivate = context.isPrivate === true || writesToNeeded(campaign);
  const manifest = async (): Promise<BuildManifest> => {
    const found = await builds.find(buildKey, signal);
    if (found === undefined) throw new MissingBuild(buildKey);
    return found;
  };
  ensureDiskSpace(slot.directory);
  const request = { source, directory, buildKey, manifest, isPrivate, dependencies, folders, openedLinks };
  const tree = await prepared(slot, request, signal);
  try {
    return await work(tree);
  } catch (error) {
    const mayBeLost = !abandoned.aborted && (!isMachineFault(error) || !isIntact(tree));
    const isLost = mayBeLost && (await slot.isBeingRemoved(tree));
    await slot.discard(tree);
    throw isLost && !(error instanceof TreeLost) ? treeLost({ cause: error }) : error;
  }
}

/** @throws {TreeLost} if another process removes the worker's files meanwhile, whatever has failed because of it. */
async function prepared(slot: Slot, request: TreeRequest, signal: AbortSignal): Promise<SlotTree> {
  try {
    return await slot.prepare(request, signal);
  } catch (error) {
    if (signal.aborted || isMachineFault(error) || !(await slot.isBeingRemoved())) throw error;
    throw treeLost({ cause: error });
  }
}

async function runIn(tree: SlotTree, attempt: RunAttempt, deps: RunnerDependencies): Promise<RunResult> {
  const { campaign, job, slot } = attempt;
  const inStudy = (file: string): string => path.resolve(tree.root, campaign.study, file);
  using follower = new FileFollower((text) => both.write(text, "file"));
  let begunAt: number | undefined;
  const output = new CmdenvOutput({
    onBegun: () => (begunAt ??= Date.now()),
    onProgress: (_run, progress) => attempt.report({ type: "progress", ...progress }),
    onRedirected: (file) => {
      if (isInside(tree.mirror, inStudy(file))) follower.follow(inStudy(file));
    },
  });
  const both: Pick<CmdenvOutput, "write"> = {
    write(text, stream) {
      output.write(text, stream);
      attempt.print(text);
    },
  };
  const limits = { timeoutMs: campaign.timeoutMs, graceMs: deps.graceMs };
  const { end, printed, startedAt, launchedAt, warnings } = await simulateIn(
    tree,
    attempt,
    { runs: [job.run] },
    both,
    limits,
  );
  follower.finish();
  const finishedAt = Date.now();
  attempt.release();
  const outcome = output.outcomeOf(job.run.runNumber, end, true);
  if (outcome.state === "done") {
    const startMs = Math.max(0, (begunAt ?? launchedAt) - launchedAt);
    void deps.batches.learn(campaign, tree, { startMs, runMs: Math.max(0, end.usage.wallTimeMs - startMs) });
  }
  const difference = await differenceOf(tree, slot);
  const outputs = outputsOf(tree, campaign, difference);
  const redirected = output.redirectedTo(job.run.runNumber);
  const redirectedTo = redirected === undefined ? undefined : path.relative(tree.mirror, inStudy(redirected));
  const ended = {
    job,
    attempt: attempt.attempt,
    ...withProblems(outcome, outputs, end, warnings),
    usage: end.usage,
    startedAt,
    finishedAt,
    outputs,
    printed: { ...printed, redirectedTo },
  };
  const result = await storeRun(tree, ended, attempt, deps.results);
  await slot.clean(tree, difference, pathsOf(result.files));
  return result;
}

/** Returns the files that a run has written, sorted by whether they can be collected. */
export function outputsOf(tree: SlotTree, campaign: Campaign, difference: Difference): Outputs {
  const manifests = [tree, ...tree.dependencies.filter(({ dependency }) => dependency.source === undefined)];
  const products = manifests.flatMap(({ manifest }) =>
    manifest.products.map((file) => path.posix.join(tree.top, file)),
  );
  return inspectOutputs(difference, {
    mirror: tree.mirror,
    places: { top: campaign.directory, outside: campaign.outside ?? [] },
    products: new Set(products),
    needed: neededBeside(campaign),
  });
}

/** Returns the outcome and warnings of a run, which has not completed if some of its output cannot be collected. */
function withProblems(
  outcome: Outcome,
  { warnings, problems }: Outputs,
  { omittedOutputBytes }: SimulationEnd,
  startWarnings: readonly string[],
): Pick<RunResult, "outcome" | "warnings"> {
  const flood = omittedOutputBytes > 0 ? [floodWarning(omittedOutputBytes)] : [];
  const failed = outcome.state === "done" && problems.length > 0;
  const all = [
    ...startWarnings,
    ...flood,
    ...warnings,
    ...(failed ? [] : problems.map((problem) => `not collected: ${problem}`)),
  ];
  return {
    outcome: failed ? incomplete(outcome, problems) : outcome,
    warnings: all.length > 0 ? all : undefined,
  };
}

/** Stores the files of a run, which moves them out of the tree, and returns its result. */
export async function storeRun(
  tree: SlotTree,
  { job, attempt, outputs, printed, outcome, usage, warnings, startedAt, finishedAt }: EndedRun,
  { campaign, abandoned }: Pick<ExecutionContext, "campaign" | "abandoned">,
  results: ResultStore,
): Promise<RunResult> {
  const { files: written, folders } = outputs;
  const redirected = written.find((file) => file.path === printed.redirectedTo);
  const ended = { campaign, run: job.run, written, printedTo: printed.belongsTo, pid: printed.pid };
  const outputFile = redirected ?? (await placeOutput(printed.file, tree, ended));
  const all = redirected === undefined ? [...written, outputFile] : written;
  const stored = `${runJobId(campaign.id, job.run.runNumber)}/${attempt}`;
  const files = await storeWithRetries(abandoned, (signal) =>
    results.put(stored, tree.mirror, pathsOf(all), signal),
  );
  return {
    protocol: PROTOCOL,
    outcome,
    usage,
    stored,
    files: withReplaced(files, all),
    ...(folders.length > 0 && { folders }),
    outputFile: outputFile.path,
    ...(warnings !== undefined && { warnings }),
    startedAt,
    finishedAt,
    worker: hostname(),
  };
}

function withReplaced(stored: readonly StoredFile[], all: readonly ResultFile[]): ResultFile[] {
  const replacing = new Set(all.filter((file) => file.replaces).map((file) => file.path));
  return stored.map((file) => ({ ...file, ...(replacing.has(file.path) && { replaces: true }) }));
}

export function pathsOf(files: readonly ResultFile[]): string[] {
  return files.map((file) => file.path);
}

function floodWarning(omitted: number): string {
  return `its output was too long; ${omitted} bytes from the middle were omitted`;
}

/** Returns the result of a run that was not executed here. */
export function withoutRunning(state: "cancelled" | "lost" | "crashed", reason: string): RunResult {
  return answerWithoutRunning(state, reason, hostname());
}
