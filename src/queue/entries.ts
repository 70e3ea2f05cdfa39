import { UserError } from "../errors.ts";
import { CampaignSchema, RunJobSchema, type Campaign } from "../model/campaign.ts";
import { isCampaignId, isConfigName, isRelativeFolder } from "../model/names.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { parseJsonOrUndefined, parseOrExplain } from "../system/json.ts";

// Anybody who can write to the queue can write anything; therefore, what is read from it is checked here.

/**
 * Parses a campaign's entry in the queue.
 * @throws {UserError} if it is damaged, of another version, or has a field with a value that is not allowed.
 */
export function parseCampaign(id: string, text: string | null): Campaign {
  const what = `campaign ${id}`;
  const campaign = parseOrExplain(CampaignSchema, parseJsonOrUndefined(text), what);
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

/** Returns whether an entry was written by another version of inet-swarm, which can still read it. */
export function isOfAnotherVersion(text: string | null): boolean {
  const { protocol } = (parseJsonOrUndefined(text) ?? {}) as { protocol?: unknown };
  return typeof protocol === "number" && protocol !== PROTOCOL;
}

/** Checks the form of a campaign's ID. @throws {UserError} if no campaign can have this ID. */
export function checkCampaignId(id: string): void {
  if (!isCampaignId(id)) throw noCampaign(id);
}

/** Returns the error for a campaign that does not exist. */
export function noCampaign(id: string): UserError {
  return new UserError(`no campaign ${isCampaignId(id) ? id : JSON.stringify(id)}`, {
    hint: "list campaigns with: runall-swarm list",
  });
}

/**
 * Parses the data of a queued run.
 * @throws {UserError} if they are damaged, or belong to another run or campaign.
 */
export function parseRunJob(
  { id, config }: Pick<Campaign, "id" | "config">,
  runNumber: number,
  data: string,
): Run {
  const what = `queued run ${runNumber} of campaign ${id}`;
  const { campaign, run } = parseOrExplain(RunJobSchema, parseJsonOrUndefined(data), what);
  if (campaign !== id || run.config !== config || run.runNumber !== runNumber)
    throw new UserError(`${what} refers to a run of another campaign`);
  return run;
}

/** Returns the run numbers among some texts, sorted. */
export function runNumbers(texts: readonly string[]): number[] {
  return texts
    .filter((text) => /^\d{1,9}$/.test(text))
    .map(Number)
    .sort((a, b) => a - b);
}
