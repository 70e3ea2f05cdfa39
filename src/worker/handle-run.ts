import * as v from "valibot";
import { UserError } from "../errors.ts";
import { runJobId, RunJobSchema, type Campaign, type RunJob } from "../model/campaign.ts";
import type { RunReport } from "../model/outcome.ts";
import type { RunResult } from "../model/result.ts";
import type { CampaignState } from "../queue/campaign-state.ts";
import type { LiveOutput } from "../queue/live-output.ts";
import { Postponed } from "../queue/postponed.ts";
import { PARKED_MS, type Admission, type RunLimits } from "../queue/run-limit.ts";
import type { OwnedJob, JoinedJob, TakenJob } from "../queue/taken-job.ts";
import { parseOrExplain } from "../system/json.ts";
import { executeBatch } from "./execute/batch.ts";
import type { Batches } from "./execute/batches.ts";
import { isMachineFault, isOfServers } from "./tree/fault-kinds.ts";
import { requeueRun, lostReason, notStarted, type FaultContext, type TroubledRun } from "./machine-faults.ts";
import type { ExecutionContext, RunnerDependencies } from "./execute/execution-context.ts";
import { MemoryShortage, type MemoryClaim } from "./execute/memory-budget.ts";
import { executeRun, withoutRunning } from "./execute/runner.ts";
import type { RunMemory } from "./run-memory.ts";
import type { Slot } from "./tree/slot.ts";

export interface RunContext extends FaultContext {
  campaigns: CampaignState;
  limits: Pick<RunLimits, "of">;
  memory: Pick<RunMemory, "claim" | "learn" | "requeued">;
  output: LiveOutput;
  deps: RunnerDependencies;
}

/**
 * Executes a run that was taken from the queue and returns its result. A fault of the worker is not a result:
 * the run is requeued. A malformed job does get a result, because it would otherwise be requeued endlessly.
 * @throws {Postponed} if the run has to be executed later, or by another worker.
 */
export async function handleRun(taken: TakenJob, slot: Slot, context: RunContext): Promise<RunResult> {
  const { campaigns, limits, memory } = context;
  const found = await findRun(taken, context);
  if (!found.ok) return found.answer;
  const { job, campaign } = found;
  using watch = campaigns.watch(campaign.id);
  const isCancelled = await campaigns.isCancelled(campaign.id);
  using claim = isCancelled ? undefined : await memory.claim(taken, { campaign, job });
  const admission = limits.of(campaign);
  if (!(await admission.enter(job.run.runNumber)) && !isCancelled) throw new Postponed(PARKED_MS);
  const leave = (): void => {
    if (!taken.signal.aborted) admission.leave(); // otherwise the run stays admitted for its next worker
  };
  try {
    if (claim === undefined) return withoutRunning("cancelled", "cancelled");
    const admitted = { watch, admission, leave, claim };
    const result = await executeAdmitted({ taken, job, campaign, slot }, admitted, context);
    memory.learn(claim, result);
    return result;
  } finally {
    leave();
  }
}

interface AdmittedRun {
  watch: { signal: AbortSignal };
  admission: Admission;
  /** Admits other runs in the place of this one, whose simulation has ended. */
  leave: () => void;
  claim: MemoryClaim;
}

async function executeAdmitted(
  { taken, job, campaign, slot }: TroubledRun,
  { watch, admission, leave, claim }: AdmittedRun,
  context: RunContext,
): Promise<RunResult> {
  const { campaigns, health, memory } = context;
  if (taken.lost > campaign.retries) return withoutRunning("lost", lostReason(taken.lost, job.troubles));
  const where = {
    campaign,
    slot,
    admission,
    memory: claim,
    release: () => {
      claim.release();
      leave();
      taken.release();
    },
    cancelled: watch.signal,
    abandoned: taken.signal,
    isPrivate: job.isPrivate === true,
  };
  try {
    const result = await runRepairing(taken, job, where, context);
    health.isWell();
    if (campaign.stopOnError && result.outcome.state !== "done") await campaigns.cancel(campaign.id);
    return result;
  } catch (error) {
    if (taken.signal.aborted) throw error;
    if (watch.signal.aborted) return withoutRunning("cancelled", "cancelled");
    if (error instanceof MemoryShortage) throw memory.requeued(taken, { campaign, job }, error);
    return await requeueRun(error, { taken, job, campaign, slot }, context);
  }
}

type AdmittedContext = ExecutionContext & Pick<AdmittedRun, "admission">;

/** Returns the run of a job, or a result if the job is malformed, of another version, or its campaign is unknown. */
async function findRun(
  taken: TakenJob,
  { campaigns, onError }: RunContext,
): Promise<{ ok: true; job: RunJob; campaign: Campaign } | { ok: false; answer: RunResult }> {
  try {
    const job = parseJob(taken);
    return { ok: true, job, campaign: await campaigns.find(job.campaign) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error; // Redis failed, not the job
    onError(error);
    return { ok: false, answer: notStarted(error) };
  }
}

/** Executes a run. If it could not start because of the worker's own files, empties the slot and tries once more. */
async function runRepairing(
  taken: TakenJob,
  job: RunJob,
  where: AdmittedContext,
  context: RunContext,
): Promise<RunResult> {
  const progress = { hasSimulated: false };
  const release = (): void => {
    progress.hasSimulated = true;
    where.release();
  };
  const run = async (): Promise<RunResult> => {
    const execution = { ...where, release };
    return (
      (await runBatch(taken, job, execution, context)) ??
      (await executeSingle(taken, job, execution, context))
    );
  };
  try {
    return await run();
  } catch (error) {
    const isLate = progress.hasSimulated || taken.signal.aborted || where.cancelled.aborted;
    if (isLate || error instanceof MemoryShortage || !isMachineFault(error) || isOfServers(error))
      throw error;
    context.onError(error as Error);
    await where.slot.renew();
    return await run();
  }
}

function parseJob({ data }: OwnedJob): RunJob {
  return parseOrExplain(RunJobSchema, data, "queued run");
}

async function executeSingle(
  { id, attempt, report }: TakenJob,
  job: RunJob,
  where: AdmittedContext,
  { output, deps }: RunContext,
): Promise<RunResult> {
  await using live = output.open(id);
  const print = (text: string): void => live.write(text);
  return await executeRun({ ...where, job, attempt, report, print }, deps);
}

/**
 * Executes a run in one process with other queued runs if they are short enough. A run whose worker was lost
 * is executed on its own, because it may have caused that.
 * @returns undefined if the run has to be executed on its own; the other runs are back in the queue then.
 */
async function runBatch(
  taken: TakenJob,
  job: RunJob,
  where: AdmittedContext,
  { deps }: RunContext,
): Promise<RunResult | undefined> {
  const { campaign, admission } = where;
  const isTroubled = taken.lost > 0 || job.troubles !== undefined || job.memoryBytes !== undefined;
  if (isTroubled || deps.batches.size(campaign, Infinity) === 1) return undefined;
  const forkLibrary = deps.batches.forkLibrary(campaign); // known at the moment at which batches are allowed
  const others = await joinOthers(taken, where, deps.batches);
  if (others.length === 0) return undefined;
  const abandoned = AbortSignal.any([taken.signal, ...others.map((other) => other.signal)]);
  const jobs = others.map((other) => ({ job: parseJob(other), attempt: other.attempt }));
  const batch = {
    ...where,
    abandoned,
    forkLibrary,
    jobs: [{ job, attempt: taken.attempt }, ...jobs] as const,
  };
  const handBack = (): void => jobs.forEach((other) => admission.handBack(other.job.run.runNumber));
  taken.report({ type: "batch", runs: jobs.map((other) => other.job.run.runNumber) } satisfies RunReport);
  const results = await executeBatch(batch, deps).catch((error: unknown) => {
    handBack();
    if (error instanceof MemoryShortage) deps.batches.forbid(campaign); // to find out which run needs so much
    if (abandoned.aborted && !taken.signal.aborted) return undefined; // one of the others was lost
    throw error;
  });
  if (results === undefined) {
    taken.report({ type: "batch", runs: [] } satisfies RunReport);
    if (!abandoned.aborted) deps.batches.forbid(campaign);
    handBack();
    await Promise.all(others.map((other) => other.requeue()));
    return undefined;
  }
  await Promise.all(others.map((other, at) => other.complete(results[at + 1]!)));
  return results[0];
}

/**
 * Takes more runs of the campaign from the queue. Hands back malformed jobs, those that have failed to start
 * before, and those that the campaign's limit does not admit.
 */
async function joinOthers(
  taken: TakenJob,
  { campaign, admission }: AdmittedContext,
  batches: Batches,
): Promise<JoinedJob[]> {
  const prefix = runJobId(campaign.id, 0).slice(0, -1);
  const size = (waiting: number, slots?: number): number => batches.size(campaign, waiting, slots) - 1;
  const others = await taken.join(size, (id) => id.startsWith(prefix));
  const ordinary: JoinedJob[] = [];
  for (const other of others) {
    const { lost, data } = other;
    const isOrdinary = lost === 0 && v.is(RunJobSchema, data) && data.troubles === undefined;
    if (isOrdinary && (await admission.enter(data.run.runNumber))) ordinary.push(other);
  }
  const unusual = others.filter((other) => !ordinary.includes(other));
  await Promise.all(unusual.map((other) => other.requeue()));
  return ordinary;
}
