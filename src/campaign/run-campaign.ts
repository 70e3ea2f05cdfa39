import { access, constants } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import path from "node:path";
import { errorText, UserError } from "../errors.ts";
import { newCampaignId, type Campaign } from "../model/campaign.ts";
import type { CampaignEvent } from "../model/events.ts";
import { openQueueClient } from "../queue/client.ts";
import type { QueueConnection } from "../queue/names.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { ResultStore } from "../results/store.ts";
import { makeFolders } from "../system/files.ts";
import { followCampaign } from "./follow-campaign.ts";
import type { CampaignLimits, CampaignPlan } from "./plan.ts";
import { ensureBuild } from "./prepare-build.ts";

/** What a campaign needs of the swarm. */
export interface CampaignSwarm {
  queue: QueueConnection;
  builds: BuildStore;
  results: ResultStore;
}

/**
 * The whole story of a campaign, from its build to the last result in the study.
 * @param interrupt when aborted, what is queued is cancelled, what runs is ended, what is done is collected.
 * @param detach end when all runs are queued; somebody attaches later and collects.
 * @throws {UserError} when the build fails or the study cannot take results.
 */
export async function* runCampaign(
  plan: CampaignPlan,
  swarm: CampaignSwarm,
  interrupt: AbortSignal,
  { detach, ...limits }: CampaignLimits & { detach: boolean },
): AsyncGenerator<CampaignEvent> {
  if (plan.uncommitted.length > 0) yield uncommittedWarning(plan);
  yield { type: "expanded", config: plan.campaign.config, runs: plan.runs.length };
  await ensureWritable(plan.resultDirectory);
  await using queue = await openQueueClient(swarm.queue);
  const key = yield* ensureBuild(plan, swarm.builds, queue, interrupt);
  const campaign = newCampaign(plan, key, limits);
  const position = await queue.position();
  interrupt.throwIfAborted();
  await queue.add(campaign, plan.runs);
  yield { type: "queued", campaign: campaign.id, runs: plan.runs.length };
  if (detach) return;
  const study = { ...plan, directory: plan.studyDirectory };
  yield* followCampaign({ campaign, study, open: plan.runs, position }, queue, swarm.results, interrupt);
}

function newCampaign(plan: CampaignPlan, key: string, limits: CampaignLimits): Campaign {
  const { username } = userInfo();
  return {
    ...plan.campaign,
    ...limits,
    id: newCampaignId(),
    user: username,
    host: hostname(),
    createdAt: Date.now(),
    buildKey: key,
  };
}

function uncommittedWarning({ uncommitted, build }: CampaignPlan): CampaignEvent {
  const count = uncommitted.length === 1 ? "1 file is" : `${uncommitted.length} files are`;
  const message = `${count} not committed; the runs are made from commit ${build.source.commit.slice(0, 10)}, without these changes`;
  return { type: "warning", message, details: uncommitted };
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
