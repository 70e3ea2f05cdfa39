import path from "node:path";
import { runJobId, type Campaign } from "../../model/campaign.ts";
import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import { parseReport } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import type { QueueClient } from "../../queue/client.ts";
import type { RunEvent } from "../../queue/follow.ts";
import { removeLeftovers } from "../../system/files.ts";
import type { RunTimes } from "../../model/run-times.ts";
import { ExecutionOrder } from "./execution-order.ts";
import { resultOfGoneJob, resultOf } from "./answers.ts";
import { lockCampaign } from "./campaign-lock.ts";
import { RunCollector, storing, type CollectedRun } from "./collect-run.ts";
import type { Study } from "./places.ts";
import { supersededRuns } from "./history.ts";
import { limitHints } from "./limit-hints.ts";
import { missingInputs } from "./missing-inputs.ts";
import { updateNote } from "./notes.ts";
import { Pending } from "./pending.ts";
import { Restorer, type Restore } from "./restore.ts";
import { Tally } from "./tally.ts";
import type { CampaignSession } from "./session.ts";

/**
 * Maximum number of collected runs that are being removed from the swarm while further runs are collected.
 */
const MOST_REMOVALS = 32;

export interface FollowedCampaign {
  campaign: Campaign;
  study: Study;
  /** The runs that have not been collected yet, or those of them that are wanted. */
  open: readonly Run[];
  /** The runs that were cancelled before they started. */
  unstarted: readonly Run[];
  /** The campaign was cancelled earlier: runs that are neither open nor recorded never started. */
  cancelled: boolean;
  /** The times that are known of the study's runs (default: none). */
  times?: RunTimes | undefined;
  /** Position in the queue's event stream from which to read, so that no event is missed. */
  position: string;
  /** Runs of the same request that did not complete in an earlier campaign. */
  earlier?: readonly RunRecord[];
  /** The campaign's lock, if the caller already has it; released at the end. */
  lock?: AsyncDisposable;
  /** The summary's times are those of the whole campaign, not only of what is collected now. */
  whole?: boolean;
  /** The campaign was queued earlier: report how its other runs have ended. */
  resumed?: boolean;
  /** An interruption leaves the campaign running, instead of cancelling it. */
  leaves?: boolean;
  /** Other runs of the campaign remain to be collected. */
  partly?: boolean;
  /** Sends sources and builds again that the swarm has lost; undefined if they do not exist here. */
  restore?: Restore | undefined;
}

/**
 * Follows a campaign until its last run has ended, and collects the results of each run. May be interrupted
 * at any time and resumed, even by another process.
 * @param session when it is interrupted, queued runs are cancelled, running
 *   simulations are stopped, and completed runs are collected; or, if the client leaves, nothing is changed.
 * @throws {UserError} if another process is collecting the same campaign, or the study no longer exists.
 */
export async function* followCampaign(
  followed: FollowedCampaign,
  session: CampaignSession,
): AsyncGenerator<CampaignEvent> {
  const { queue, interrupt } = session;
  const { campaign, study, open, cancelled, partly = false, leaves = false } = followed;
  const startedAt = performance.now();
  await using _lock = followed.lock ?? (await lockCampaign(study, campaign));
  await updateNote(campaign, study, false);
  const { resultDirectory } = study;
  await removeTemporaryFiles(resultDirectory);
  const collector = new RunCollector(study, campaign, session);
  const tally = new Tally();
  await addHistory(tally, followed, collector);
  yield* othersEnded(followed, tally);
  using cancelling = leaves ? undefined : cancelOn(interrupt, queue, campaign.id, open);
  const left = yield* collectRuns(followed, session, collector, tally);
  await cancelling?.done();
  if (left > 0) {
    yield { type: "left", campaign: campaign.id, runs: left };
    return;
  }
  await collector.forgetReturned(open);
  if (!partly) await updateNote(campaign, study, true);
  const wallTimeMs = performance.now() - startedAt;
  const { whole } = followed;
  const summary = tally.summary(campaign, cancelled, { resultDirectory, wallTimeMs, whole });
  yield { type: "ended", summary: await withHints(summary, study, campaign) };
}

/** Collects runs as they end. @returns the number of runs that are not collected, because the client leaves. */
async function* collectRuns(
  { campaign, open, position, restore, times, leaves = false }: FollowedCampaign,
  { queue, interrupt }: CampaignSession,
  collector: RunCollector,
  tally: Tally,
): AsyncGenerator<CampaignEvent, number> {
  const byNumber = new Map(open.map((run) => [run.runNumber, run]));
  const restoring = new Restorer(restore);
  const forgetting = new Pending(MOST_REMOVALS);
  const order = new ExecutionOrder(campaign.id, queue, open, times);
  const left = leaves ? interrupt : undefined;
  const retries = new Retries(campaign, queue);
  const mayRetry = (run: Run): boolean => (leaves || !interrupt.aborted) && retries.mayAdd(run);
  for (let runs = open, from = position; runs.length > 0; { runs, position: from } = await retries.queue()) {
    for await (const event of await queue.follow(campaign.id, runs, from, left)) {
      const reported = await translate(event, campaign.id, byNumber, collector);
      if (reported?.lacks) restoring.begin();
      yield* restoring.takeEvents();
      if (reported === undefined) continue;
      order.observe(reported.event);
      yield* order.update();
      const { collected } = reported;
      if (collected !== undefined) await forgetting.add(collector.forget(collected));
      if (collected?.unusable && mayRetry(collected.run)) {
        yield { type: "warning", message: retryWarning(collected), details: [] };
        continue;
      }
      if (collected !== undefined) byNumber.delete(collected.run.runNumber);
      if (reported.event.type === "finished") tally.addNew(reported.event.record);
      yield reported.event;
    }
    await forgetting.done();
  }
  await restoring.done();
  return left?.aborted ? byNumber.size : 0;
}

/** Yields how the runs of a campaign that was queued earlier have ended, if others are left. */
function* othersEnded(
  { campaign, open, resumed }: FollowedCampaign,
  { states }: Tally,
): Generator<CampaignEvent> {
  if (resumed && open.length > 0 && Object.keys(states).length > 0)
    yield { type: "resumed", campaign: campaign.id, states };
}

/** Adds hints about what stopped runs, and about files that failed runs may have missed. */
async function withHints(
  summary: CampaignSummary,
  study: Study,
  campaign: Campaign,
): Promise<CampaignSummary> {
  const hints = [...limitHints(summary, campaign), ...(await missingInputs(study, campaign, summary.failed))];
  return { ...summary, ...(hints.length > 0 && { hints }) };
}

/**
 * Removes temporary files next to the results, left by clients that were killed or could not write any more.
 */
export async function removeTemporaryFiles(resultDirectory: string): Promise<void> {
  for (const folder of ["", "failed", ".swarm"]) await removeLeftovers(path.join(resultDirectory, folder));
}

/**
 * Adds the other runs of a campaign to the tally: those of earlier campaigns that did not complete, and those collected
 * earlier, replaced by a later campaign, or never started.
 */
async function addHistory(
  tally: Tally,
  { campaign, study, open, unstarted, earlier = [], whole = false }: FollowedCampaign,
  collector: RunCollector,
): Promise<void> {
  for (const record of earlier) tally.addEarlier(record);
  const { runs, skipped = 0 } = campaign;
  if (open.length === runs && skipped === 0) return;
  const known = new Set(open.map((run) => run.runNumber));
  await collector.resume((record) => {
    if (known.has(record.runNumber)) return;
    known.add(record.runNumber);
    if (whole) tally.addNew(record);
    else tally.add(record);
  });
  const { resultDirectory } = study;
  const superseded = await storing(study, campaign, () =>
    Promise.resolve(supersededRuns(resultDirectory, campaign.id)),
  );
  for (const each of superseded.values()) {
    if (known.has(each.runNumber)) continue;
    known.add(each.runNumber);
    tally.addSuperseded(each);
  }
  tally.addUnstarted(unstarted.filter((run) => !known.has(run.runNumber)).length);
}

function cancelOn(interrupt: AbortSignal, queue: QueueClient, campaign: string, runs: readonly Run[]) {
  const numbers = runs.map((run) => run.runNumber);
  let cancelled: Promise<unknown> = Promise.resolve();
  const cancel = (): void => {
    cancelled = queue.cancel(campaign, numbers);
    cancelled.catch(() => undefined); // reported by `done`
  };
  interrupt.addEventListener("abort", cancel, { once: true });
  if (interrupt.aborted) cancel();
  return {
    done: () => cancelled,
    [Symbol.dispose]: () => interrupt.removeEventListener("abort", cancel),
  };
}

/** Runs to execute again, because their answers or results cannot be used, through no fault of theirs. */
class Retries {
  readonly #campaign: Campaign;
  readonly #queue: QueueClient;
  readonly #counts = new Map<number, number>();
  #runs: Run[] = [];

  constructor(campaign: Campaign, queue: QueueClient) {
    this.#campaign = campaign;
    this.#queue = queue;
  }

  /**
   * Adds a run to be executed again.
   * @returns false if its retries are exhausted.
   */
  mayAdd(run: Run): boolean {
    const count = (this.#counts.get(run.runNumber) ?? 0) + 1;
    if (count > this.#campaign.retries) return false;
    this.#counts.set(run.runNumber, count);
    this.#runs.push(run);
    return true;
  }

  /**
   * Queues the added runs.
   * @returns these runs, and the position from which to follow them.
   */
  async queue(): Promise<{ runs: readonly Run[]; position: string }> {
    const runs = this.#runs;
    this.#runs = [];
    if (runs.length === 0) return { runs, position: "" };
    const position = await this.#queue.position();
    await this.#queue.add(this.#campaign, runs);
    return { runs, position };
  }
}

function retryWarning({ run, record: { reason } }: CollectedRun): string {
  return `${runLabel(run)} is retried: ${reason}`;
}

interface ReportedRun {
  event: CampaignEvent;
  /** The run that was collected for this event. */
  collected?: CollectedRun;
  /** The swarm lacks a source or a build. */
  lacks?: boolean | undefined;
}

/** Returns the campaign's event for an event of the queue; a finished run is collected for it. */
async function translate(
  event: RunEvent,
  campaign: string,
  runs: ReadonlyMap<number, Run>,
  collector: RunCollector,
): Promise<ReportedRun | undefined> {
  if (event.type === "trouble") return { event: { type: "warning", message: event.line, details: [] } };
  if (event.type === "disconnected") return { event: { type: "reconnecting", reason: event.reason } };
  if (event.type === "unattended" || event.type === "attended") return { event: { type: event.type } };
  const run = runs.get(event.runNumber)!;
  switch (event.type) {
    case "active":
      return { event: { type: "started", run } };
    case "progress": {
      const report = parseReport(event.progress);
      if (report === undefined) return undefined;
      if (report.type === "held")
        return { event: { type: "held", run, reason: report.held }, lacks: report.lacks };
      if (report.type === "batch") {
        const others = report.runs.flatMap((number) => runs.get(number) ?? []);
        return { event: { type: "batch", run, others } };
      }
      const { type: _, ...progress } = report;
      return { event: { type: "progress", run, progress } };
    }
    case "completed":
      return finished(await collector.collect(run, resultOf(runJobId(campaign, run.runNumber), event.value)));
    case "gone":
      return finished(await collector.collect(run, resultOfGoneJob(event.reason)));
  }
}

function finished(collected: CollectedRun): ReportedRun {
  const { run, record, warnings } = collected;
  return { event: { type: "finished", run, record, warnings }, collected };
}
