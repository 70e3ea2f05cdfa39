import { realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import { inOneLine, isGitFolder, isRelativeFolder } from "../../model/names.ts";
import { hasCommit, openCheckout } from "../../project/git/git.ts";
import { isAllowedOutside } from "../../stores/output-path.ts";
import { lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import type { Study } from "./places.ts";
import { readNote } from "./notes.ts";

/** The caller of a command for an existing campaign. */
export interface CallerContext {
  /** The user's current folder. */
  directory: string;
  /** Reports what is ignored. */
  warn: (text: string) => void;
}

/** A campaign whose data can be trusted, with its study. */
export interface KnownCampaign {
  campaign: Campaign;
  study: Study;
}

/**
 * Returns a campaign and the study in which its results are stored: the study from which it was queued,
 * according to this client's note; otherwise the same study in the checkout that contains the user's folder.
 * @param queued the campaign in the queue, to which others may write.
 * @throws {UserError} if neither study exists.
 */
export async function knownCampaign(queued: Campaign, here: CallerContext): Promise<KnownCampaign> {
  const note = await readNote(queued.id, here.warn);
  if (note !== undefined) {
    refuseOther(queued, note.campaign);
    if (await isFolder(note.study.directory)) return { campaign: note.campaign, study: note.study };
  }
  const campaign = note?.campaign ?? queued;
  const study = await studyHere(campaign, here.directory, note?.study.directory);
  return { campaign, study };
}

/**
 * Returns the study from which a campaign was queued, for callers without a user's folder.
 * @returns undefined if the campaign was not queued here, or its study no longer exists.
 */
export async function notedStudy(id: string): Promise<Study | undefined> {
  const note = await readNote(id, () => undefined);
  return note !== undefined && (await isFolder(note.study.directory)) ? note.study : undefined;
}

/** Returns whether a file that a record names belongs to the study's results. */
export function mayRead({ gitTop, outside }: Study, file: string): boolean {
  return isInside(gitTop, file) || isAllowedOutside(outside, file);
}

/** Refuses a campaign if somebody has written another one with the same ID to the queue. */
function refuseOther(queued: Campaign, noted: Campaign): void {
  const same =
    queued.identity === noted.identity && queued.config === noted.config && queued.study === noted.study;
  if (same) return;
  throw new UserError(`campaign ${queued.id} in the queue differs from the one that was queued here`, {
    hint: `nothing was collected; to cancel it, run: runall-swarm cancel ${queued.id}`,
  });
}

/**
 * Returns the study in the checkout that contains the user's folder.
 * @param noted folder of the study when it was queued; undefined if only the queue knows the campaign.
 */
async function studyHere(campaign: Campaign, directory: string, noted: string | undefined): Promise<Study> {
  const { id } = campaign;
  const gone =
    noted === undefined
      ? "was not queued from this machine"
      : `was queued from ${noted}, which no longer exists`;
  const hint = `change to a checkout of its project and run: runall-swarm attach ${id}`;
  const checkout = await openCheckout(directory).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`campaign ${id} ${gone}: ${error.message}`, { hint, cause: error });
  });
  const commit = campaign.commit ?? campaign.source.commit;
  if (!(await hasCommit(checkout, commit))) {
    const reason = `${checkout.top} is not a checkout of its project: it does not contain commit ${commit.slice(0, 12)}`;
    throw new UserError(`campaign ${id} ${gone}, and ${reason}`, { hint });
  }
  const study = path.join(checkout.top, campaign.study);
  if (!isRelativeFolder(campaign.study) || !(await isFolder(study)) || (await realpath(study)) !== study)
    throw new UserError(`the study of campaign ${id} does not exist: ${study}`, { hint });
  const resultDirectory = path.resolve(study, campaign.resultDirectory);
  const place = noted === undefined ? await resolveLinks(resultDirectory) : resultDirectory;
  const parts = path.relative(checkout.top, place).split(path.sep);
  if (!isInside(checkout.top, place) || parts.some(isGitFolder)) {
    throw new UserError(`the results of campaign ${id} are to be stored outside this checkout: ${place}`, {
      hint: `run attach where the campaign was queued, on ${inOneLine(campaign.host)}`,
    });
  }
  return { gitTop: checkout.top, directory: study, resultDirectory, outside: [] };
}

/** Returns a path without symbolic links, as far as it exists. */
async function resolveLinks(file: string): Promise<string> {
  // a dangling link is refused: the root is outside every checkout
  if (await lstatIfExists(file)) return await realpath(file).catch(() => "/");
  const parent = path.dirname(file);
  return parent === file ? file : path.join(await resolveLinks(parent), path.basename(file));
}

async function isFolder(directory: string): Promise<boolean> {
  return (await lstatIfExists(directory))?.isDirectory() === true;
}
