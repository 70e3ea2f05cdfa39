import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { errorText, UserError } from "../../errors.ts";
import { CampaignSchema, type Campaign } from "../../model/campaign.ts";
import { isCampaignId } from "../../model/names.ts";
import { readTextIfExists, makeFolders, lstatIfExists, writeFileAtomically } from "../../system/files.ts";
import { readJson } from "../../system/json.ts";
import { isInside, stateDirectory } from "../../system/paths.ts";
import type { Study } from "./places.ts";

// Notes of this client about the campaigns that it has queued. They determine where results are stored, and
// not the queue, to which others may write.

const NoteSchema = v.object({
  format: v.literal(1),
  /** The campaign as it was queued. */
  campaign: CampaignSchema,
  study: v.object({
    gitTop: v.string(),
    directory: v.string(),
    resultDirectory: v.string(),
    outside: v.array(v.string()),
  }),
  /** Nothing of the campaign is left in the swarm. */
  collected: v.boolean(),
});

/** A campaign that was queued from here, and its study. */
export interface CampaignNote {
  campaign: Campaign;
  study: Study;
  collected: boolean;
}

/** How long the note of a collected campaign is kept after its last change. */
const KEPT_MS = 60 * 24 * 3600_000;
/**
 * How long the note of an uncollected campaign is kept, for example after its swarm was removed: no swarm
 * keeps an uncollected campaign that long.
 */
const UNCOLLECTED_KEPT_MS = 365 * 24 * 3600_000;

function notesDirectory(): string {
  return path.join(stateDirectory(), "campaigns");
}

function noteFile(id: string): string {
  if (!isCampaignId(id)) throw new UserError(`${JSON.stringify(id)} is not a campaign ID`);
  return path.join(notesDirectory(), `${id}.json`);
}

/**
 * Writes the note of a campaign; to be called before the campaign is queued.
 * @throws {UserError} if it cannot be written.
 */
export async function writeNote({ campaign, study, collected }: CampaignNote): Promise<void> {
  const file = noteFile(campaign.id);
  const { gitTop, directory, resultDirectory, outside } = study;
  const note = { format: 1, campaign, study: { gitTop, directory, resultDirectory, outside }, collected };
  try {
    await makeFolders(path.dirname(file), 0o700);
    await writeFileAtomically(file, `${JSON.stringify(note)}\n`, 0o600);
  } catch (error) {
    throw new UserError(`cannot write the campaign note ${file}: ${errorText(error)}`, {
      hint: "check the permissions and the free disk space there; the note records where the results are to be stored",
      cause: error,
    });
  }
}

/**
 * Returns the note of a campaign; undefined if the campaign was not queued here.
 * @param warn reports a note that cannot be used.
 */
export async function readNote(id: string, warn: (text: string) => void): Promise<CampaignNote | undefined> {
  try {
    const note = await readJson(noteFile(id), NoteSchema);
    if (note === undefined) return undefined;
    if (note.campaign.id === id) return note;
    warn(`ignoring the campaign note ${noteFile(id)}: it belongs to another campaign`);
  } catch (error) {
    warn(`ignoring the note of campaign ${id}: ${errorText(error)}`);
  }
  return undefined;
}

/**
 * Returns the notes of all campaigns that were queued here, in no particular order.
 * @param warn reports notes that cannot be read.
 * @param identity of the wanted campaigns: most notes of others are left out without parsing them.
 */
export async function readNotes(warn: (text: string) => void, identity?: string): Promise<CampaignNote[]> {
  const notes = await Promise.all(
    (await notedIds()).map(async (id) => {
      const text = identity === undefined ? undefined : await readTextIfExists(noteFile(id));
      return text === undefined || text.includes(identity!) ? await readNote(id, warn) : undefined;
    }),
  );
  return notes.filter((note) => note !== undefined);
}

async function notedIds(): Promise<string[]> {
  const names = await readdir(notesDirectory()).catch(() => []); // no campaign was ever queued here
  const ids = names.flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -".json".length)] : []));
  return ids.filter(isCampaignId);
}

/**
 * Returns the folders outside a checkout in which campaigns
 * of the checkout that were queued here store their records.
 */
export async function recordRootsOutside(top: string): Promise<string[]> {
  return await recordRoots(top, (study) => study.gitTop === top && !isInside(top, study.resultDirectory));
}

/**
 * Returns the folders in which campaigns of a study that were
 * queued here store their records; each config may have its own.
 */
export async function recordRootsOf(directory: string): Promise<string[]> {
  return await recordRoots(directory, (study) => study.directory === directory);
}

/**
 * Returns the folders of records according to the notes that match.
 * @param folder occurs in each note that can match; other notes need not be parsed.
 */
async function recordRoots(folder: string, matches: (study: Study) => boolean): Promise<string[]> {
  const name = JSON.stringify(folder);
  const roots = await Promise.all(
    (await notedIds()).map(async (id) => {
      if (!(await readTextIfExists(noteFile(id)).catch(() => undefined))?.includes(name)) return [];
      const study = (await readNote(id, () => undefined))?.study;
      return study !== undefined && matches(study) ? [study.resultDirectory] : [];
    }),
  );
  return [...new Set(roots.flat())];
}

/** Removes the notes of campaigns that were collected long ago, or can no longer be collected. */
export async function removeOldNotes(now = Date.now()): Promise<void> {
  for (const id of await notedIds()) {
    const file = noteFile(id);
    const changedAt = (await lstatIfExists(file))?.mtimeMs ?? now;
    if (now - changedAt <= KEPT_MS) continue;
    const note = await readNote(id, () => undefined);
    const keptMs = note?.collected ? KEPT_MS : UNCOLLECTED_KEPT_MS;
    // after a failure, the next call tries again
    if (now - changedAt > keptMs) await rm(file, { force: true }).catch(() => undefined);
  }
}

/**
 * Updates the note of a campaign that was queued here: where its study is now, and whether everything is
 * collected. If the note cannot be written, it stays unchanged, and the campaign continues.
 */
export async function updateNote(campaign: Campaign, study: Study, collected: boolean): Promise<void> {
  const note = await readNote(campaign.id, () => undefined);
  if (note === undefined) return;
  const isSame = note.collected === collected && note.study.directory === study.directory;
  if (!isSame) await writeNote({ ...note, study, collected }).catch(() => undefined);
}
