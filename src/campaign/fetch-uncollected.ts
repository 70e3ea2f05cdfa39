import type { CampaignEvent } from "../model/events.ts";
import { runJobId } from "../model/campaign.ts";
import type { QueueClient } from "../queue/client.ts";
import type { ResultStore } from "../results/store.ts";
import { UserError } from "../errors.ts";
import { parseAnswer } from "../queue/answers.ts";
import { CollectedElsewhere, lockCampaign } from "./campaign-lock.ts";
import { RunCollector } from "./collect-run.ts";
import { equalCampaigns, type EqualCampaign, type Wanted } from "./join-running.ts";
import type { Study } from "./collect.ts";
import type { RunResult } from "../model/result.ts";

/**
 * Brings results here that the swarm still has of an earlier campaign of the same runs: somebody queued it and
 * has not come back. What of it is not done, or is being collected by another process, stays as it is.
 * @returns the numbers of the runs that have been brought.
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
    for (const number of yield* collectDone(equal, wanted.study, queue, store, signal)) brought.add(number);
  }
  return brought;
}

async function* collectDone(
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
    const result = doneIn(runJobId(campaign.id, run.runNumber), answer);
    if (result === undefined) continue;
    const collected = await collector.collect(run, result);
    await collector.forget(collected);
    brought.push(run.runNumber);
    for (const message of collected.warnings) yield { type: "warning", message, details: [] };
  }
  return brought;
}

/** Undefined where a run has not ended, did not end well, or has an answer that cannot be used. */
function doneIn(job: string, answer: unknown): RunResult | undefined {
  if (answer === undefined) return undefined;
  try {
    const result = parseAnswer(job, answer);
    return result.outcome.state === "done" ? result : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
