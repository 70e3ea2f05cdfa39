import type { CampaignEvent } from "../../model/events.ts";
import { runJobId } from "../../model/campaign.ts";
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

async function* collectEnded(
  { note: { campaign }, open }: EqualCampaign,
  study: Study,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, number[]> {
  const lock = await lockCampaign(study, campaign).catch((error: unknown) => {
    if (error instanceof CollectedElsewhere) return undefined;
    throw error;
  });
  if (lock === undefined) return [];
  await using _ = lock;
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
