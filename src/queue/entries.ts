import { UserError } from "../errors.ts";
import { CampaignSchema, RunJobSchema, type Campaign } from "../model/campaign.ts";
import { isCampaignId, isConfigName, isRelativeFolder } from "../model/names.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { jsonIn, parseOrExplain } from "../system/json.ts";

// Whoever can write to the queue can write anything: what is read from it is checked here.

/**
 * The campaign that an entry of the queue describes.
 * @throws {UserError} where it is damaged, of another version, or names what it must not name.
 */
export function parseCampaign(id: string, text: string | null): Campaign {
  const what = `campaign ${id}`;
  const campaign = parseOrExplain(CampaignSchema, jsonIn(text), what);
  const wrong =
    (campaign.id !== id && "id") ||
    (!isConfigName(campaign.config) && "config") ||
    (!isRelativeFolder(campaign.study) && "study");
  if (wrong)
    throw new UserError(`${what} is malformed at ${wrong}`, {
      hint: "list campaigns with: runall-swarm list",
    });
  return campaign;
}

/** Whether an entry belongs to a version of ours that is not this one, which still knows it. */
export function isOfAnotherVersion(text: string | null): boolean {
  const { protocol } = (jsonIn(text) ?? {}) as { protocol?: unknown };
  return typeof protocol === "number" && protocol !== PROTOCOL;
}

/** @throws {UserError} where there can be no campaign of this id. */
export function checkCampaignId(id: string): void {
  if (!isCampaignId(id)) throw noCampaign(id);
}

export function noCampaign(id: string): UserError {
  return new UserError(`no campaign ${isCampaignId(id) ? id : JSON.stringify(id)}`, {
    hint: "list campaigns with: runall-swarm list",
  });
}

/**
 * The run of a queued job.
 * @throws {UserError} where it is damaged, or is not a run of this campaign.
 */
export function parseRunJob(
  { id, config }: Pick<Campaign, "id" | "config">,
  runNumber: number,
  data: string,
): Run {
  const what = `queued run ${runNumber} of campaign ${id}`;
  const { campaign, run } = parseOrExplain(RunJobSchema, jsonIn(data), what);
  if (campaign !== id || run.config !== config || run.runNumber !== runNumber)
    throw new UserError(`${what} refers to a run of another campaign`);
  return run;
}

/** Numbers of runs, sorted; what is no number is left out. */
export function runNumbers(texts: readonly string[]): number[] {
  return texts
    .filter((text) => /^\d{1,9}$/.test(text))
    .map(Number)
    .sort((a, b) => a - b);
}
