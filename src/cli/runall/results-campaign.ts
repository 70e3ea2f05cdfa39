import { knownCampaign, notedStudy } from "../../campaign/collect/known-study.ts";
import { readNotes } from "../../campaign/collect/notes.ts";
import type { Study } from "../../campaign/collect/places.ts";
import { CampaignView } from "../../dashboard/campaign-view.ts";
import { CampaignResults } from "../../dashboard/results.ts";
import { errorText, UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import { openSwarm } from "../../providers/kinds/kinds.ts";
import { listSwarms } from "../../providers/list-swarms.ts";
import type { SwarmState } from "../../providers/swarm-state.ts";
import type { SwarmAccess } from "../../providers/target.ts";
import { watchQueue, type QueueWatch, type WatchedCampaign } from "../../queue/watch.ts";
import { withOpenedResult } from "../../stores/with-opened.ts";
import { userName } from "../../system/user.ts";
import { namedOrOnly } from "../swarm/name-or-only.ts";
import { providerContext } from "../swarm/provider-context.ts";
import { studySources } from "../worker/dashboard-sources.ts";
import { campaignId } from "./campaign-id.ts";

/** A campaign with everything that is known of its runs. */
export interface ShownResults {
  view: CampaignView;
  results: CampaignResults;
}

/** A swarm that answers. */
interface OpenSwarm {
  access: SwarmAccess;
  queue: QueueWatch;
  campaigns: WatchedCampaign[];
}

/**
 * Calls a function with the results of a campaign: of what is collected on this machine, and of ended runs that are still
 * in its swarm, if the swarm can be reached.
 * @param typed an ID, the beginning of an ID, or `last`.
 * @param swarm name of the only swarm to ask; undefined: all that are running.
 * @param warn reports what is left out.
 * @throws {UserError} if there is no such campaign.
 */
export async function withResults<T>(
  typed: string,
  swarm: string | undefined,
  warn: (text: string) => void,
  use: (shown: ShownResults) => Promise<T>,
): Promise<T> {
  await using opened = new OpenSwarms();
  const reasons: string[] = [];
  const swarms = await opened.open(swarm, (reason) => reasons.push(reason));
  const notes = (await readNotes(warn)).map(({ campaign }) => campaign);
  const queued = swarms.flatMap((each) => each.campaigns.map(({ campaign }) => campaign));
  const known = new Map([...notes, ...queued].map((campaign) => [campaign.id, campaign]));
  const newestFirst = [...known.values()].sort((a, b) => b.createdAt - a.createdAt);
  let shown: ShownResults | undefined;
  try {
    const id = campaignId(typed, newestFirst, userName());
    const owner = swarms.find(({ campaigns }) => campaigns.some(({ campaign }) => campaign.id === id));
    shown = await loadResults(known.get(id)!, owner);
  } finally {
    // what does not respond matters only if something is missing
    if (shown === undefined || shown.view.rows.size < shown.view.campaign.runs) reasons.forEach(warn);
  }
  return await use(shown);
}

/** The queue of a swarm that cannot be reached. */
const NO_QUEUE = {
  openRuns: () => Promise.resolve([]),
  jobs: () => Promise.resolve([]),
  keptEnds: () => Promise.resolve(new Map()),
};

async function loadResults(campaign: Campaign, swarm: OpenSwarm | undefined): Promise<ShownResults> {
  const { id } = campaign;
  const study = await studyOf(campaign);
  const sources = studySources(() => Promise.resolve(study));
  const queue = swarm?.queue ?? NO_QUEUE;
  const watched = swarm?.campaigns.find((each) => each.campaign.id === id);
  const now = watched ?? { campaign, cancelled: false, open: 0, superseded: 0, kept: 0 };
  const view = new CampaignView(campaign);
  const active = new Set(await swarm?.queue.activeJobs());
  await view.refresh(now, { active, ended: new Set() }, queue, sources);
  await view.folder?.read();
  const readStored = async <T>(
    result: Parameters<typeof withOpenedResult>[1],
    look: (directory: string) => Promise<T>,
  ): Promise<T> => {
    if (swarm === undefined) throw new UserError("the swarm cannot be reached");
    return await withOpenedResult(swarm.access.results, result, look);
  };
  const results = new CampaignResults(view, queue, { ...sources, readStored }, (error) => {
    throw error;
  });
  await results.complete();
  return { view, results };
}

/** Returns the study of a campaign on this machine; undefined if there is none, so that nothing is collected here. */
async function studyOf(campaign: Campaign): Promise<Study | undefined> {
  const noted = await notedStudy(campaign.id);
  if (noted !== undefined) return noted;
  try {
    const here = { directory: process.cwd(), warn: () => undefined };
    return (await knownCampaign(campaign, here)).study;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Connections to swarms, which are closed together. */
class OpenSwarms implements AsyncDisposable {
  readonly #opened: OpenSwarm[] = [];

  /** Connects to the swarms that are running. @param warn reports the others. */
  async open(named: string | undefined, warn: (text: string) => void): Promise<OpenSwarm[]> {
    const name = named ?? (process.env["SWARM"] || undefined);
    const all = name === undefined ? await listSwarms() : [await namedOrOnly(name)];
    const found: OpenSwarm[] = [];
    for (const state of all) {
      try {
        const swarm = await this.#open(state);
        if (swarm !== undefined) found.push(swarm);
        else warn(`the swarm ${state.name} ${notAnswering(state)}: uncollected runs in it are not included`);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        warn(`cannot ask the swarm ${state.name}: ${errorText(error)}`);
      }
    }
    return found;
  }

  async #open(state: SwarmState): Promise<OpenSwarm | undefined> {
    if (state.state !== "running") return undefined;
    const target = await openSwarm(state, providerContext());
    if (!(await target.isReady())) return undefined;
    const access = await target.access(() => undefined);
    const opened: OpenSwarm = { access, queue: watchQueue(access.queue), campaigns: [] };
    this.#opened.push(opened);
    opened.campaigns = (await opened.queue.campaigns()).campaigns;
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { queue, access } of this.#opened) {
      queue[Symbol.dispose]();
      await access[Symbol.asyncDispose]();
    }
  }
}

function notAnswering({ state }: SwarmState): string {
  return state === "running" ? "does not respond" : `is ${state}`;
}
