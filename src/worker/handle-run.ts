import * as v from "valibot";
import { UserError } from "../errors.ts";
import { runJobId, RunJobSchema, type Campaign, type RunJob } from "../model/campaign.ts";
import type { RunResult } from "../model/result.ts";
import type { CampaignState } from "../queue/campaign-state.ts";
import type { LiveOutput } from "../queue/live-output.ts";
import type { OwnedJob, JoinedJob, TakenJob } from "../queue/taken-job.ts";
import { parseOrExplain } from "../system/json.ts";
import { executeBatch } from "./execute/batch.ts";
import type { Batches } from "./execute/batches.ts";
import {
  requeueRun,
  isOfStores,
  isOwnTrouble,
  lostReason,
  notStarted,
  type TroubleContext,
} from "./own-trouble.ts";
import {
  executeRun,
  withoutRunning,
  type RunnerDependencies,
  type ExecutionContext,
} from "./execute/runner.ts";
import type { Slot } from "./tree/slot.ts";

export interface RunContext extends TroubleContext {
  campaigns: CampaignState;
  output: LiveOutput;
  deps: RunnerDependencies;
}

/**
 * Returns how a run ended that has been taken from the queue. What goes wrong on this side is no result: the run goes
 * back to the queue. A job that can never be a run has a result, or it would come again for ever.
 * @throws {Postponed} where the run is to be made later, or by another worker.
 */
export async function handleRun(taken: TakenJob, slot: Slot, context: RunContext): Promise<RunResult> {
  const { campaigns, health } = context;
  const found = await findRun(taken, context);
  if (!found.ok) return found.answer;
  const { job, campaign } = found;
  using watch = campaigns.watch(campaign.id);
  if (await campaigns.isCancelled(campaign.id)) return withoutRunning("cancelled", "cancelled");
  if (taken.lost > campaign.retries) return withoutRunning("lost", lostReason(taken.lost, job.troubles));
  const where = {
    campaign,
    slot,
    release: taken.release,
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
    return await requeueRun(error, { taken, job, campaign, slot }, context);
  }
}

/** The run of a job, or the answer for one that is malformed, of another version, or of a campaign that is not known. */
async function findRun(
  taken: TakenJob,
  { campaigns, onError }: RunContext,
): Promise<{ ok: true; job: RunJob; campaign: Campaign } | { ok: false; answer: RunResult }> {
  try {
    const job = parseJob(taken);
    return { ok: true, job, campaign: await campaigns.find(job.campaign) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error; // Redis does not answer as it should
    onError(error);
    return { ok: false, answer: notStarted(error) };
  }
}

/** Makes a run; where the worker's own folders were in the way, once more in a slot that is made anew. */
async function runRepairing(
  taken: TakenJob,
  job: RunJob,
  where: ExecutionContext,
  context: RunContext,
): Promise<RunResult> {
  const made = { simulation: false };
  const release = (): void => {
    made.simulation = true;
    where.release();
  };
  const run = async (): Promise<RunResult> => {
    const around = { ...where, release };
    return (
      (await runBatch(taken, job, around, context)) ?? (await executeSingle(taken, job, around, context))
    );
  };
  try {
    return await run();
  } catch (error) {
    const isLate = made.simulation || taken.signal.aborted || where.cancelled.aborted;
    if (isLate || !isOwnTrouble(error) || isOfStores(error)) throw error;
    context.onError(error as Error);
    await where.slot.renew();
    return await run();
  }
}

function parseJob(held: OwnedJob): RunJob {
  return parseOrExplain(RunJobSchema, held.data, "queued run");
}

async function executeSingle(
  { id, attempt, report }: TakenJob,
  job: RunJob,
  where: ExecutionContext,
  { output, deps }: RunContext,
): Promise<RunResult> {
  await using live = output.open(id);
  const print = (text: string): void => live.write(text);
  return await executeRun({ ...where, job, attempt, report, print }, deps);
}

/**
 * Makes a run together with others that wait, where they are short enough. One whose worker has vanished may be the
 * reason for that: it goes by itself.
 * @returns undefined where it is to be made alone; the others are in the queue again then.
 */
async function runBatch(
  taken: TakenJob,
  job: RunJob,
  where: ExecutionContext,
  { deps }: RunContext,
): Promise<RunResult | undefined> {
  const { campaign } = where;
  const isTroubled = taken.lost > 0 || job.troubles !== undefined;
  if (isTroubled || deps.batches.size(campaign, Infinity) === 1) return undefined;
  const others = await joinOthers(taken, campaign, deps.batches);
  if (others.length === 0) return undefined;
  const abandoned = AbortSignal.any([taken.signal, ...others.map((other) => other.signal)]);
  const jobs = others.map((other) => ({ job: parseJob(other), attempt: other.attempt }));
  const batch = { ...where, abandoned, jobs: [{ job, attempt: taken.attempt }, ...jobs] as const };
  const results = await executeBatch(batch, deps).catch((error: unknown) => {
    if (abandoned.aborted && !taken.signal.aborted) return undefined; // one of the others was lost
    throw error;
  });
  if (results === undefined) {
    if (!abandoned.aborted) deps.batches.forbid(campaign);
    await Promise.all(others.map((other) => other.handBack()));
    return undefined;
  }
  await Promise.all(others.map((other, at) => other.complete(results[at + 1]!)));
  return results[0];
}

/** Those that do not pass for ordinary runs are handed back: each tells by itself what is wrong with it. */
async function joinOthers(taken: TakenJob, campaign: Campaign, batches: Batches): Promise<JoinedJob[]> {
  const prefix = runJobId(campaign.id, 0).slice(0, -1);
  const size = (waiting: number): number => batches.size(campaign, waiting) - 1;
  const others = await taken.join(size, (id) => id.startsWith(prefix));
  const ordinary = others.filter(
    ({ lost, data }) => lost === 0 && v.is(RunJobSchema, data) && data.troubles === undefined,
  );
  const strange = others.filter((other) => !ordinary.includes(other));
  await Promise.all(strange.map((other) => other.handBack()));
  return ordinary;
}
