import path from "node:path";
import { UserError } from "../errors.ts";
import type { Campaign } from "../model/campaign.ts";
import type { CampaignEvent } from "../model/events.ts";
import { openCheckout } from "../project/git.ts";
import type { QueueClient } from "../queue/client.ts";
import type { ResultStore } from "../results/store.ts";
import { statIfThere } from "../system/files.ts";
import type { Study } from "./collect.ts";
import { followCampaign, type FollowedCampaign } from "./follow-campaign.ts";
import { readRecords } from "./records.ts";

/** Where somebody is who attaches to a campaign. */
export interface Here {
  host: string;
  directory: string;
}

/**
 * Follows a campaign that was queued before and collects what has not been collected.
 * @throws {UserError} where there is no such campaign, or its study is not here.
 */
export async function* attachCampaign(
  id: string,
  here: Here,
  queue: QueueClient,
  store: ResultStore,
  interrupt: AbortSignal,
): AsyncGenerator<CampaignEvent> {
  const position = await queue.position();
  const found = await queue.find(id);
  const study = await studyOf(found.campaign, here);
  yield { type: "queued", campaign: id, runs: found.open.length };
  yield* followCampaign({ ...found, study, position }, queue, store, interrupt);
}

/**
 * Makes the runs of a campaign again that have been collected and did not end well.
 * @throws {UserError} where there is none.
 */
export async function* retryCampaign(
  id: string,
  here: Here,
  queue: QueueClient,
  store: ResultStore,
  interrupt: AbortSignal,
): AsyncGenerator<CampaignEvent> {
  const again = await queueAgain(id, here, queue);
  yield { type: "queued", campaign: id, runs: again.open.length };
  yield* followCampaign(again, queue, store, interrupt);
}

/**
 * Queues the runs of a campaign again that have been collected and did not end well; somebody has to attach
 * and collect them.
 * @throws {UserError} where there is none.
 */
export async function queueAgain(id: string, here: Here, queue: QueueClient): Promise<FollowedCampaign> {
  const { campaign, open } = await queue.find(id);
  const study = await studyOf(campaign, here);
  const stillOpen = new Set(open.map((run) => run.runNumber));
  const again = (await readRecords(study.resultDirectory, id)).filter(
    ({ state, runNumber }) => state !== "done" && !stillOpen.has(runNumber),
  );
  if (again.length === 0) {
    throw new UserError(`no run of campaign ${id} that was collected has failed`, {
      hint: open.length > 0 ? `collect the others first: runall-swarm attach ${id}` : undefined,
    });
  }
  const runs = again.map(({ config, runNumber, iterationVariables, repetition }) => ({
    config,
    runNumber,
    iterationVariables,
    repetition,
  }));
  const position = await queue.position();
  await queue.revive(id);
  await queue.add(campaign, runs);
  return { campaign, study, open: runs, cancelled: false, position };
}

/** The study on the machine where the campaign was queued; elsewhere the same folder of the checkout here. */
async function studyOf(campaign: Campaign, here: Here): Promise<Study> {
  const gitTop = campaign.host === here.host ? campaign.directory : (await openCheckout(here.directory)).top;
  const directory = path.join(gitTop, campaign.study);
  if (!(await statIfThere(directory))?.isDirectory()) {
    throw new UserError(`the study of campaign ${campaign.id} is not there: ${directory}`, {
      hint: "change into a checkout of its project",
    });
  }
  return {
    gitTop,
    directory,
    resultDirectory: path.resolve(directory, campaign.resultDirectory),
    outside: [],
  };
}
