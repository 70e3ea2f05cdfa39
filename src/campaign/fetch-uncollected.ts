import * as v from "valibot";
import type { Campaign } from "../model/campaign.ts";
import type { CampaignEvent } from "../model/events.ts";
import { RunResultSchema } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import type { QueueClient } from "../queue/client.ts";
import type { ResultStore } from "../results/store.ts";
import { UserError } from "../errors.ts";
import { Collector, type Study } from "./collect.ts";
import { lockCampaign, storing } from "./follow-campaign.ts";

interface Wanted {
  study: Study;
  host: string;
  identity: string;
  runs: readonly Run[];
}

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
  const numbers = new Set(wanted.runs.map((run) => run.runNumber));
  for (const { campaign, ended } of await queue.list((each) => isOf(each, wanted))) {
    if (ended === 0) continue;
    const { open } = await queue.find(campaign.id);
    const runs = open.filter((run) => numbers.has(run.runNumber));
    if (runs.length === 0) continue;
    for (const number of yield* collectDone(campaign, runs, wanted.study, queue, store, signal))
      brought.add(number);
  }
  return brought;
}

function isOf(campaign: Campaign, { study, host, identity }: Wanted): boolean {
  return campaign.identity === identity && campaign.host === host && campaign.directory === study.gitTop;
}

async function* collectDone(
  campaign: Campaign,
  runs: readonly Run[],
  study: Study,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, number[]> {
  const lock = await lockCampaign(study, campaign.id).catch((error: unknown) => {
    if (error instanceof UserError) return undefined; // somebody collects it
    throw error;
  });
  if (lock === undefined) return [];
  await using _ = lock;
  yield { type: "fetching", campaign: campaign.id, runs: runs.length };
  const collector = new Collector(study, campaign, store);
  await collector.resume(() => undefined);
  const brought: number[] = [];
  for (const run of runs) {
    signal.throwIfAborted();
    const answer = v.safeParse(RunResultSchema, await queue.result(campaign.id, run.runNumber));
    if (!answer.success || answer.output.outcome.state !== "done") continue;
    const { warnings } = await storing(study, campaign, () => collector.collect(run, answer.output));
    await storing(study, campaign, () => collector.remove(run));
    await queue.forget(campaign.id, run.runNumber);
    brought.push(run.runNumber);
    for (const message of warnings) yield { type: "warning", message, details: [] };
  }
  return brought;
}
