import path from "node:path";
import * as v from "valibot";
import { errorText, UserError } from "../errors.ts";
import type { Campaign } from "../model/campaign.ts";
import type { CampaignEvent } from "../model/events.ts";
import { HeldSchema, ProgressSchema, type Outcome } from "../model/outcome.ts";
import { PROTOCOL } from "../model/protocol.ts";
import { RunResultSchema, type RunResult } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import type { QueueClient } from "../queue/client.ts";
import type { RunEvent } from "../queue/follow.ts";
import type { ResultStore } from "../results/store.ts";
import { makeFolders, removeLeftovers } from "../system/files.ts";
import { parseOrExplain } from "../system/json.ts";
import { acquireLock } from "../system/lock.ts";
import { Collector, type Study } from "./collect.ts";
import { Pending } from "./pending.ts";
import { Tally } from "./tally.ts";

/** The next runs are collected meanwhile. */
const MOST_FORGOTTEN_AT_ONCE = 32;

export interface FollowedCampaign {
  campaign: Campaign;
  study: Study;
  /** The runs that have not been collected yet. */
  open: readonly Run[];
  /** Whether it had been cancelled: runs that are neither open nor recorded never began. */
  cancelled: boolean;
  /** Position in the queue's events from which nothing may be missed. */
  position: string;
}

/**
 * Follows a campaign until its last run has ended, and brings the results of each run into the study.
 * May be broken off and begun again at any point, by another process too.
 * @param interrupt when aborted, what is queued is cancelled, what runs is ended, what is done is collected.
 * @throws {UserError} when another process is collecting the same campaign.
 */
export async function* followCampaign(
  { campaign, study, open, cancelled, position }: FollowedCampaign,
  queue: QueueClient,
  store: ResultStore,
  interrupt: AbortSignal,
): AsyncGenerator<CampaignEvent> {
  const startedAt = performance.now();
  await using _lock = await storing(study, campaign, () => lockCampaign(study, campaign.id));
  const { resultDirectory } = study;
  for (const folder of ["", "failed", ".swarm"]) await removeLeftovers(path.join(resultDirectory, folder));
  const collector = new Collector(study, campaign, store);
  const byNumber = new Map(open.map((run) => [run.runNumber, run]));
  const tally = new Tally();
  const { runs, skipped = 0 } = campaign;
  if (open.length < runs || skipped > 0) {
    await collector.resume((record) => {
      if (!byNumber.has(record.runNumber)) tally.add(record);
    });
  }
  const forgetting = new Pending(MOST_FORGOTTEN_AT_ONCE);
  const forget = async (run: Run): Promise<void> => {
    await collector.remove(run);
    await queue.forget(campaign.id, run.runNumber);
  };
  using cancelling = cancelOn(interrupt, queue, campaign.id, open);
  if (open.length > 0) {
    for await (const event of await queue.follow(campaign.id, open, position)) {
      const told = await storing(study, campaign, () => translate(event, byNumber, collector));
      if (told?.type === "finished") {
        tally.addNew(told.record);
        byNumber.delete(told.run.runNumber);
        await forgetting.add(storing(study, campaign, () => forget(told.run)));
      }
      if (told !== undefined) yield told;
    }
  }
  await forgetting.done();
  await cancelling.done();
  const wallTimeMs = performance.now() - startedAt;
  yield { type: "ended", summary: tally.summary(campaign, cancelled, { resultDirectory, wallTimeMs }) };
}

/**
 * The disk may be full, or the folder gone or write-protected: what has not been collected stays in the swarm.
 * @throws {UserError} for what the operating system refuses.
 */
export async function storing<T>(study: Study, { id }: Campaign, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new UserError(`results cannot be stored in ${study.resultDirectory}: ${errorText(error)}`, {
      hint: `nothing is lost, they wait in the swarm; when that is mended: runall-swarm attach ${id}`,
      cause: error,
    });
  }
}

/** Two collectors of one campaign would take the files out of each other's hands. */
export async function lockCampaign(study: Study, id: string): Promise<AsyncDisposable> {
  const directory = path.join(study.resultDirectory, ".swarm");
  await makeFolders(directory);
  try {
    return await acquireLock(path.join(directory, `${id}.lock`), { timeoutMs: 0 });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`another process is collecting campaign ${id} already: ${error.message}`, {
      cause: error,
    });
  }
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

/** What an event of the queue means to the campaign; a finished run is collected on the way. */
async function translate(
  event: RunEvent,
  runs: ReadonlyMap<number, Run>,
  collector: Collector,
): Promise<CampaignEvent | undefined> {
  if (event.type === "disconnected") return { type: "reconnecting", reason: event.reason };
  const run = runs.get(event.runNumber)!;
  switch (event.type) {
    case "active":
      return { type: "started", run };
    case "progress": {
      const progress = v.safeParse(ProgressSchema, event.progress);
      if (progress.success) return { type: "progress", run, progress: progress.output };
      const held = v.safeParse(HeldSchema, event.progress);
      return held.success ? { type: "held", run, reason: held.output.held } : undefined;
    }
    case "completed": {
      const result = refusedBy(event.value) ?? answerIn(event.value);
      return { type: "finished", run, ...(await collector.collect(run, result)) };
    }
    case "gone":
      return { type: "finished", run, ...(await collector.collect(run, goneResult(event.reason))) };
  }
}

/**
 * A worker of another version that came in the middle of the campaign (one that was there before is refused
 * when runs are queued) makes none of its runs; they can be retried.
 * @returns undefined for an answer that is of this version, as far as it tells.
 */
function refusedBy(answer: unknown): RunResult | undefined {
  const { success, output } = v.safeParse(v.object({ protocol: v.number() }), answer);
  if (!success || output.protocol === PROTOCOL) return undefined;
  const reason = `its worker is of another version of inet-swarm (protocol ${output.protocol}, here ${PROTOCOL})`;
  return withoutAnswer({ state: "crashed", reason });
}

/** One that cannot be read must not keep the others from being collected; its run can be retried. */
function answerIn(answer: unknown): RunResult {
  try {
    return parseOrExplain(RunResultSchema, answer, "its worker's answer");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return withoutAnswer({ state: "crashed", reason: error.message });
  }
}

/** A run whose job has left the queue without an answer. */
function goneResult(reason: string): RunResult {
  return withoutAnswer(
    reason === "removed" ? { state: "cancelled", reason: "cancelled" } : { state: "lost", reason },
  );
}

function withoutAnswer(outcome: Outcome): RunResult {
  const now = Date.now();
  return {
    protocol: PROTOCOL,
    outcome,
    usage: { wallTimeMs: 0 },
    files: [],
    startedAt: now,
    finishedAt: now,
    worker: "",
  };
}
