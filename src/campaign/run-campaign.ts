import { access, constants } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import path from "node:path";
import { errorText, UserError } from "../errors.ts";
import type { Source } from "../model/build.ts";
import { newCampaignId, type Campaign } from "../model/campaign.ts";
import type { CampaignEvent } from "../model/events.ts";
import { openQueueClient } from "../queue/client.ts";
import type { QueueConnection } from "../queue/names.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { SourceStore } from "../results/source-store.ts";
import type { ResultStore } from "../results/store.ts";
import { makeFolders } from "../system/files.ts";
import { forOtherMachines } from "./for-other-machines.ts";
import { followCampaign } from "./follow-campaign.ts";
import { ensureDependencies } from "./ensure-dependencies.ts";
import type { CampaignLimits, CampaignPlan } from "./plan.ts";
import { ensureBuild } from "./prepare-build.ts";
import { sendSource } from "./send-source.ts";

/** What a campaign needs of the swarm. */
export interface CampaignSwarm {
  queue: QueueConnection;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
}

/**
 * The whole story of a campaign, from its build to the last result in the study.
 * @param interrupt when aborted, what is queued is cancelled, what runs is ended, what is done is collected.
 * @param detach end when all runs are queued; somebody attaches later and collects.
 * @throws {UserError} when the build fails or the study cannot take results.
 */
export async function* runCampaign(
  here: CampaignPlan,
  swarm: CampaignSwarm,
  interrupt: AbortSignal,
  { detach, ...limits }: CampaignLimits & { detach: boolean },
): AsyncGenerator<CampaignEvent> {
  const plan = swarm.sources.sharesDisk ? here : forOtherMachines(here);
  yield { type: "expanded", config: plan.campaign.config, runs: plan.runs.length };
  await ensureWritable(plan.resultDirectory);
  await using queue = await openQueueClient(swarm.queue);
  const source = yield* sendSource(plan.code, swarm.sources, interrupt);
  const dependencies = yield* ensureDependencies({ ...plan, source }, swarm, queue, interrupt);
  const build = { ...plan.build, ...dependencies };
  const key = yield* ensureBuild({ ...plan, build, source }, swarm, queue, interrupt);
  const campaign = { ...newCampaign(plan, source, key, limits), ...dependencies };
  const position = await queue.position();
  interrupt.throwIfAborted();
  await queue.add(campaign, plan.runs);
  yield { type: "queued", campaign: campaign.id, runs: plan.runs.length };
  if (detach) return;
  const study = { ...plan, directory: plan.studyDirectory };
  const followed = { campaign, study, open: plan.runs, cancelled: false, position };
  yield* followCampaign(followed, queue, swarm.results, interrupt);
}

function newCampaign(plan: CampaignPlan, source: Source, key: string, limits: CampaignLimits): Campaign {
  const { username } = userInfo();
  return {
    ...plan.campaign,
    ...limits,
    id: newCampaignId(),
    user: username,
    host: hostname(),
    createdAt: Date.now(),
    source,
    buildKey: key,
  };
}

/** @throws {UserError} where results could not be written: better now than after a day of computing. */
async function ensureWritable(directory: string): Promise<void> {
  try {
    await makeFolders(path.join(directory, ".swarm"));
    await access(directory, constants.W_OK);
    await access(path.join(directory, ".swarm"), constants.W_OK);
  } catch (error) {
    throw new UserError(`the result directory ${directory} cannot be written: ${errorText(error)}`, {
      cause: error,
    });
  }
}
