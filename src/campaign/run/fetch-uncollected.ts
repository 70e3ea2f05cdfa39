import { UserError } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";
import { runJobId, type Campaign } from "../../model/campaign.ts";
import { resultOf } from "../collect/answers.ts";
import { CollectedElsewhere, lockCampaign } from "../collect/campaign-lock.ts";
import { RunCollector } from "../collect/collect-run.ts";
import { equalCampaigns, type EqualCampaign, type Wanted } from "./join-running.ts";
import type { Study } from "../collect/places.ts";
import type { CampaignSession } from "../collect/session.ts";

/**
 * Collects results that the swarm still has of earlier campaigns with the same runs, which were queued but
 * never collected. Failed runs are collected, too: if they were collected later, they would replace newer
 * results. Runs that have not ended, or that another process is collecting, are skipped.
 * @returns the numbers of the completed runs.
 */
export async function* fetchUncollected(
  wanted: Wanted,
  session: CampaignSession,
): AsyncGenerator<CampaignEvent, Set<number>> {
  const fetched = new Set<number>();
  for (const equal of await equalCampaigns(wanted, session.queue)) {
    if (equal.ended === 0) continue;
    for (const number of yield* collectEnded(equal, wanted.study, session)) fetched.add(number);
  }
  return fetched;
}

/**
 * Removes collected runs from the swarm that are still there, because a client stopped after it had written
 * their records and before it could remove them. Campaigns that another process is collecting are skipped.
 * Since these runs are no longer needed, a failure to remove them is only a warning.
 */
export async function* forgetCollected(
  wanted: Wanted,
  session: Pick<CampaignSession, "queue" | "store">,
): AsyncGenerator<CampaignEvent> {
  if (wanted.runs.length === 0) return;
  for (const { note, open } of await equalCampaigns(wanted, session.queue, ({ collected }) => !collected)) {
    await using lock = await lockUnlessCollected(wanted.study, note.campaign);
    if (lock === undefined) continue;
    const collector = new RunCollector(wanted.study, note.campaign, session);
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

/** Locks a campaign; returns undefined if another process is collecting it. */
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
  session: CampaignSession,
): AsyncGenerator<CampaignEvent, number[]> {
  const { queue, interrupt } = session;
  await using lock = await lockUnlessCollected(study, campaign);
  if (lock === undefined) return [];
  yield { type: "fetching", campaign: campaign.id, runs: open.length };
  const collector = new RunCollector(study, campaign, session);
  await collector.resume(() => undefined);
  const fetched: number[] = [];
  for (const run of open) {
    interrupt.throwIfAborted();
    const answer = await queue.result(campaign.id, run.runNumber);
    if (answer === undefined) continue;
    const collected = await collector.collect(run, resultOf(runJobId(campaign.id, run.runNumber), answer));
    await collector.forget(collected);
    if (collected.record.state === "done") fetched.push(run.runNumber);
    for (const message of collected.warnings) yield { type: "warning", message, details: [] };
  }
  return fetched;
}
