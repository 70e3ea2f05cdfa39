import path from "node:path";
import * as v from "valibot";
import { runJobId, type Campaign } from "../../model/campaign.ts";
import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import { PostponementSchema, ProgressSchema } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import type { QueueClient } from "../../queue/client.ts";
import type { RunEvent } from "../../queue/follow.ts";
import type { ResultStore } from "../../stores/store.ts";
import { removeLeftovers } from "../../system/files.ts";
import { goneResult, resultOf } from "./answers.ts";
import { lockCampaign } from "./campaign-lock.ts";
import { RunCollector, storing, type CollectedRun } from "./collect-run.ts";
import type { Study } from "./places.ts";
import { supersededRuns } from "./history.ts";
import { missingInputs } from "./missing-inputs.ts";
import { updateNote } from "./notes.ts";
import { Pending } from "./pending.ts";
import { Restoring, type Restore } from "./restore.ts";
import { Tally } from "./tally.ts";

/** The next runs are collected meanwhile. */
const MOST_FORGOTTEN_AT_ONCE = 32;

export interface FollowedCampaign {
  campaign: Campaign;
  study: Study;
  /** The runs that have not been collected yet, or those of them that are wanted. */
  open: readonly Run[];
  /** The runs that were cancelled before they started. */
  unstarted: readonly Run[];
  /** Whether it had been cancelled: runs that are neither open nor recorded never began. */
  cancelled: boolean;
  /** Position in the queue's events from which nothing may be missed. */
  position: string;
  /** Runs of the same request that did not end well in a campaign before. */
  earlier?: readonly RunRecord[];
  /** The campaign's lock, where the caller has it already; released at the end. */
  lock?: AsyncDisposable;
  /** Others of its runs are left to be collected. */
  partly?: boolean;
  /** Sends sources and builds again that the swarm has lost; undefined if they are not here. */
  restore?: Restore | undefined;
}

/**
 * Follows a campaign until its last run has ended, and brings the results of each run into the study.
 * May be broken off and begun again at any point, by another process too.
 * @param interrupt when aborted, what is queued is cancelled, what runs is ended, what is done is collected.
 * @throws {UserError} when another process is collecting the same campaign, or the study is gone.
 */
export async function* followCampaign(
  followed: FollowedCampaign,
  queue: QueueClient,
  store: ResultStore,
  interrupt: AbortSignal,
): AsyncGenerator<CampaignEvent> {
  const { campaign, study, open, cancelled, position, earlier = [], partly } = followed;
  const startedAt = performance.now();
  await using _lock = followed.lock ?? (await lockCampaign(study, campaign));
  await updateNote(campaign, study, false);
  const { resultDirectory } = study;
  await removeTemporaryFiles(resultDirectory);
  const collector = new RunCollector(study, campaign, queue, store);
  const byNumber = new Map(open.map((run) => [run.runNumber, run]));
  const tally = new Tally();
  for (const record of earlier) tally.addEarlier(record);
  await addHistory(tally, followed, collector);
  const restoring = new Restoring(followed.restore);
  const forgetting = new Pending(MOST_FORGOTTEN_AT_ONCE);
  using cancelling = cancelOn(interrupt, queue, campaign.id, open);
  const repeats = new Repeats(campaign, queue);
  const mayRepeat = (run: Run): boolean => !interrupt.aborted && repeats.mayAdd(run);
  for (let runs = open, from = position; runs.length > 0; { runs, position: from } = await repeats.queue()) {
    for await (const event of await queue.follow(campaign.id, runs, from)) {
      const reported = await translate(event, campaign.id, byNumber, collector);
      if (reported?.lacks) restoring.begin();
      yield* restoring.takeEvents();
      if (reported === undefined) continue;
      const { collected } = reported;
      if (collected !== undefined) await forgetting.add(collector.forget(collected));
      if (collected?.unusable && mayRepeat(collected.run)) {
        yield { type: "warning", message: repeatWarning(collected), details: [] };
        continue;
      }
      if (collected !== undefined) byNumber.delete(collected.run.runNumber);
      if (reported.event.type === "finished") tally.addNew(reported.event.record);
      yield reported.event;
    }
    await forgetting.done();
  }
  await restoring.done();
  await cancelling.done();
  if (!partly) await updateNote(campaign, study, true);
  const wallTimeMs = performance.now() - startedAt;
  const summary = tally.summary(campaign, cancelled, { resultDirectory, wallTimeMs });
  yield { type: "ended", summary: await withHints(summary, study, campaign) };
}

/** Adds hints about files that failed runs may have missed. */
async function withHints(
  summary: CampaignSummary,
  study: Study,
  campaign: Campaign,
): Promise<CampaignSummary> {
  const hints = await missingInputs(study, campaign, summary.failed);
  return { ...summary, ...(hints.length > 0 && { hints }) };
}

/** Removes what clients that were killed, or could not write any more, have left beside the results. */
export async function removeTemporaryFiles(resultDirectory: string): Promise<void> {
  for (const folder of ["", "failed", ".swarm"]) await removeLeftovers(path.join(resultDirectory, folder));
}

/** What became of the other runs of a campaign: collected before, replaced by a later campaign, or never started. */
async function addHistory(
  tally: Tally,
  { campaign, study, open, unstarted }: FollowedCampaign,
  collector: RunCollector,
): Promise<void> {
  const { runs, skipped = 0 } = campaign;
  if (open.length === runs && skipped === 0) return;
  const known = new Set(open.map((run) => run.runNumber));
  await collector.resume((record) => {
    if (known.has(record.runNumber)) return;
    known.add(record.runNumber);
    tally.add(record);
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
    cancelled.catch(() => undefined); // awaited by done
  };
  interrupt.addEventListener("abort", cancel, { once: true });
  if (interrupt.aborted) cancel();
  return {
    done: () => cancelled,
    [Symbol.dispose]: () => interrupt.removeEventListener("abort", cancel),
  };
}

/** Runs whose answers or results cannot be used, which is no fault of theirs: they are executed again. */
class Repeats {
  readonly #campaign: Campaign;
  readonly #queue: QueueClient;
  readonly #counts = new Map<number, number>();
  #runs: Run[] = [];

  constructor(campaign: Campaign, queue: QueueClient) {
    this.#campaign = campaign;
    this.#queue = queue;
  }

  /** @returns false if it has been repeated as often as the campaign permits. */
  mayAdd(run: Run): boolean {
    const count = (this.#counts.get(run.runNumber) ?? 0) + 1;
    if (count > this.#campaign.retries) return false;
    this.#counts.set(run.runNumber, count);
    this.#runs.push(run);
    return true;
  }

  /** Queues what has been added. @returns it, and from where it is to be followed. */
  async queue(): Promise<{ runs: readonly Run[]; position: string }> {
    const runs = this.#runs;
    this.#runs = [];
    if (runs.length === 0) return { runs, position: "" };
    const position = await this.#queue.position();
    await this.#queue.add(this.#campaign, runs);
    return { runs, position };
  }
}

function repeatWarning({ run, record: { reason } }: CollectedRun): string {
  return `${runLabel(run)} is retried: ${reason}`;
}

interface ReportedRun {
  event: CampaignEvent;
  /** The run that was collected on the way. */
  collected?: CollectedRun;
  /** The swarm lacks a source or a build. */
  lacks?: boolean | undefined;
}

/** What an event of the queue means to the campaign; a finished run is collected on the way. */
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
      const progress = v.safeParse(ProgressSchema, event.progress);
      if (progress.success) return { event: { type: "progress", run, progress: progress.output } };
      const held = v.safeParse(PostponementSchema, event.progress);
      if (!held.success) return undefined;
      return { event: { type: "held", run, reason: held.output.held }, lacks: held.output.lacks };
    }
    case "completed":
      return finished(await collector.collect(run, resultOf(runJobId(campaign, run.runNumber), event.value)));
    case "gone":
      return finished(await collector.collect(run, goneResult(event.reason)));
  }
}

function finished(collected: CollectedRun): ReportedRun {
  const { run, record, warnings } = collected;
  return { event: { type: "finished", run, record, warnings }, collected };
}
