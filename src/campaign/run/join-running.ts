import { hostname } from "node:os";
import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { UserError } from "../../errors.ts";
import type { CampaignEvent, ExecutedRuns } from "../../model/events.ts";
import type { Run } from "../../model/run.ts";
import type { CampaignListing } from "../../queue/campaign-list.ts";
import type { QueueClient } from "../../queue/client.ts";
import { lstatIfExists } from "../../system/files.ts";
import type { CampaignLimits } from "../plan/plan.ts";
import { CollectedElsewhere, lockCampaign } from "../collect/campaign-lock.ts";
import { RunCollector } from "../collect/collect-run.ts";
import type { Study } from "../collect/places.ts";
import { followCampaign } from "../collect/follow-campaign.ts";
import type { Restore } from "../collect/restore.ts";
import { readNotes, type CampaignNote } from "../collect/notes.ts";
import type { CampaignSession } from "../collect/session.ts";

/** The runs of a request, and what identifies an equal campaign: its study and identity. */
export interface Wanted {
  study: Study;
  identity: string;
  runs: readonly Run[];
}

/** A campaign that was queued from here, for the same study and with the same identity. */
export interface EqualCampaign extends CampaignListing {
  note: CampaignNote;
  /** Its wanted runs that have not been collected. */
  open: Run[];
}

/**
 * Returns the campaigns in the swarm that contain some of the runs of a request. Equality follows only from
 * the notes of this client, not from what others write to the queue.
 * @param wants selects among the noted campaigns (default: all).
 */
export async function equalCampaigns(
  { study, identity, runs }: Wanted,
  queue: QueueClient,
  wants: (note: CampaignNote) => boolean = () => true,
): Promise<EqualCampaign[]> {
  const notes = new Map([...(await notesOf(study, identity))].filter(([, note]) => wants(note)));
  if (notes.size === 0) return [];
  const numbers = new Set(runs.map((run) => run.runNumber));
  const equal: EqualCampaign[] = [];
  for (const listing of await queue.list((campaign) => notes.has(campaign.id))) {
    const { open } = await queue.find(listing.campaign.id);
    const wanted = open.filter((run) => numbers.has(run.runNumber));
    const note = notes.get(listing.campaign.id)!;
    if (wanted.length > 0) equal.push({ ...listing, note, open: wanted });
  }
  return equal;
}

/**
 * Returns the notes of equal campaigns by ID. A study that was moved after it was queued is still the same.
 */
async function notesOf(study: Study, identity: string): Promise<Map<string, CampaignNote>> {
  const relative = path.relative(study.gitTop, study.directory);
  const found = new Map<string, CampaignNote>();
  for (const note of await readNotes(() => undefined, identity)) {
    const { campaign } = note;
    if (campaign.identity !== identity || campaign.host !== hostname() || campaign.study !== relative)
      continue;
    const isHere = note.study.directory === study.directory;
    if (isHere || !(await lstatIfExists(note.study.directory))) found.set(campaign.id, note);
  }
  return found;
}

/** The result of joining campaigns. */
export interface Joined {
  /** The last campaign that was joined. */
  campaign: string | undefined;
  campaigns: Set<string>;
  /** All equal campaigns, including those without running runs. */
  seen: Set<string>;
  /** Number of runs that were followed. */
  runs: number;
  made: ExecutedRuns | undefined;
  /** Runs that are being executed and were not waited for. */
  detached: Set<number>;
}

interface Joining {
  /** Do not wait for the runs; the user attaches later. */
  detach: boolean;
  /** @see FollowedCampaign */
  restore: Restore;
  /** The limits that the user has typed now. */
  limits: CampaignLimits;
}

const LIMIT_OPTIONS = {
  concurrency: "--jobs",
  memoryBytes: "--memory",
  timeoutMs: "--timeout",
  batchSize: "--batch-size",
  stopOnError: "--stop-on-error",
} as const;

/** Warns of options that differ from those with which a joined campaign was queued, and have no effect now. */
function* warnOfLimits(campaign: Campaign, limits: CampaignLimits): Generator<CampaignEvent> {
  const names = Object.keys(LIMIT_OPTIONS) as (keyof typeof LIMIT_OPTIONS)[];
  const ignored = names.filter((name) => limits[name] && limits[name] !== campaign[name]);
  if (ignored.length === 0) return;
  const options = ignored.map((name) => LIMIT_OPTIONS[name]).join(", ");
  const message = `campaign ${campaign.id} keeps the limits with which it was queued; no effect: ${options}`;
  yield { type: "warning", message, details: [] };
}

/**
 * Follows the campaigns that are already executing runs of the request, as `attach` does.
 * @throws {UserError} if another process is collecting one of them: nothing is queued.
 */
export async function* joinRunning(
  wanted: Wanted,
  { detach, restore, limits }: Joining,
  session: CampaignSession,
): AsyncGenerator<CampaignEvent, Joined> {
  const { queue, interrupt } = session;
  const joined: Joined = {
    campaign: undefined,
    campaigns: new Set(),
    seen: new Set(),
    runs: 0,
    made: undefined,
    detached: new Set(),
  };
  for (const equal of await equalCampaigns(wanted, queue)) {
    const { cancelled } = equal;
    const { campaign } = equal.note;
    joined.seen.add(campaign.id);
    const position = await queue.position();
    const lock = await lockOrExplain(wanted.study, equal);
    // query again: another process may have had the lock
    const { open: openInQueue, unstarted } = await queue.find(campaign.id);
    const collector = new RunCollector(wanted.study, campaign, session);
    const openInAll: Run[] = [];
    for (const run of openInQueue) if (!(await collector.forgetCollected(run))) openInAll.push(run);
    const numbers = new Set(equal.open.map((run) => run.runNumber));
    const open = openInAll.filter((run) => numbers.has(run.runNumber));
    if (cancelled || equal.waiting + equal.running === 0 || open.length === 0 || interrupt.aborted) {
      await lock[Symbol.asyncDispose](); // its completed runs are fetched later, and no others will follow
      continue;
    }
    yield { type: "joined", campaign: campaign.id, runs: open.length };
    yield* warnOfLimits(campaign, limits);
    joined.campaign = campaign.id;
    joined.campaigns.add(campaign.id);
    if (detach) {
      await lock[Symbol.asyncDispose]();
      for (const run of open) joined.detached.add(run.runNumber);
      continue;
    }
    joined.runs += open.length;
    const partly = open.length < openInAll.length;
    const followed = {
      campaign,
      study: wanted.study,
      open,
      unstarted,
      cancelled,
      position,
      lock,
      partly,
      restore,
    };
    for await (const event of followCampaign(followed, session)) {
      if (event.type === "ended") joined.made = event.summary.made;
      else yield event;
    }
  }
  return joined;
}

async function lockOrExplain(study: Study, { note, open }: EqualCampaign): Promise<AsyncDisposable> {
  const { campaign } = note;
  try {
    return await lockCampaign(study, campaign);
  } catch (error) {
    if (!(error instanceof CollectedElsewhere)) throw error;
    const where = error.machine === undefined ? "" : ` on ${error.machine}`;
    const who = error.pid === undefined ? "another process" : `process ${error.pid}${where}`;
    const runs = open.length === 1 ? "1 of these runs" : `${open.length} of these runs`;
    throw new UserError(`campaign ${campaign.id} already contains ${runs}, and ${who} is collecting them`, {
      hint: "nothing was queued; wait for that campaign, cancel it with runall-swarm cancel, or rerun the runs with --rerun",
      cause: error,
    });
  }
}
