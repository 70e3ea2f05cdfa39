import { UserError } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";
import { runJobId, type Campaign } from "../../model/campaign.ts";
import type { QueueClient } from "../../queue/client.ts";
import type { ResultStore } from "../../stores/store.ts";
import { resultOf } from "../collect/answers.ts";
import { CollectedElsewhere, lockCampaign } from "../collect/campaign-lock.ts";
import { RunCollector } from "../collect/collect-run.ts";
import { equalCampaigns, type EqualCampaign, type Wanted } from "./join-running.ts";
import type { Study } from "../collect/places.ts";

/**
 * Collects what the swarm still has of earlier campaigns of the same runs: somebody queued them and has not come back.
 * Failed runs are collected, too: done later, that would replace what has been executed since. Runs that have not ended, or
 * are being collected by another process, stay as they are.
 * @returns the numbers of the completed runs.
 */
export async function* fetchUncollected(
  wanted: Wanted,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, Set<number>> {
  const brought = new Set<number>();
  for (const equal of await equalCampaigns(wanted, queue)) {
    if (equal.ended === 0) continue;
    for (const number of yield* collectEnded(equal, wanted.study, queue, store, signal)) brought.add(number);
  }
  return brought;
}

/**
 * Removes from the swarm what it still has of collected runs: the client stopped after it had written their records, and
 * before it could remove them. Campaigns that another process is collecting are left to it. Nobody needs what is left:
 * if it cannot be removed, that is only a warning.
 */
export async function* forgetCollected(
  wanted: Wanted,
  queue: QueueClient,
  store: ResultStore,
): AsyncGenerator<CampaignEvent> {
  if (wanted.runs.length === 0) return;
  for (const { note, open } of await equalCampaigns(wanted, queue, ({ collected }) => !collected)) {
    await using lock = await lockUnlessCollected(wanted.study, note.campaign);
    if (lock === undefined) continue;
    const collector = new RunCollector(wanted.study, note.campaign, queue, store);
    try {
      for (const run of open) await collector.forgetCollected(run);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      yield {
        type: "warning",
        message: error.message,
        details: error.hint === undefined ? [] : [error.hint],
      };
    }
  }
}

/** Returns undefined if another process is collecting the campaign. */
async function lockUnlessCollected(study: Study, campaign: Campaign): Promise<AsyncDisposable | undefined> {
  try {
    return await lockCampaign(study, campaign);
  } catch (error) {
    if (error instanceof CollectedElsewhere) return undefined;
    throw error;
  }
}

async function* collectEnded(
  { note: { campaign }, open }: EqualCampaign,
  study: Study,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, number[]> {
  await using lock = await lockUnlessCollected(study, campaign);
  if (lock === undefined) return [];
  yield { type: "fetching", campaign: campaign.id, runs: open.length };
  const collector = new RunCollector(study, campaign, queue, store);
  await collector.resume(() => undefined);
  const brought: number[] = [];
  for (const run of open) {
    signal.throwIfAborted();
    const answer = await queue.result(campaign.id, run.runNumber);
    if (answer === undefined) continue;
    const collected = await collector.collect(run, resultOf(runJobId(campaign.id, run.runNumber), answer));
    await collector.forget(collected);
    if (collected.record.state === "done") brought.push(run.runNumber);
    for (const message of collected.warnings) yield { type: "warning", message, details: [] };
  }
  return brought;
}
