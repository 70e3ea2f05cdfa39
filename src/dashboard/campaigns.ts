import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../errors.ts";
import type { Overview, Summary, Swarm, SwarmBrief } from "../model/dashboard.ts";
import { NoAnswer, type DamagedCampaign, type QueueWatch, type WatchedCampaign } from "../queue/watch.ts";
import { CampaignView, type QueueSnapshot } from "./campaign-view.ts";
import type { WatchedSwarm } from "../queue/watched-swarm.ts";
import type { DashboardSources } from "./sources.ts";
import { summarize } from "./summary.ts";
import { swarmOf } from "./swarm.ts";
import { describeTrouble, isExpected } from "./trouble.ts";

/** Pause between two refreshes: PAUSE_FACTOR times the duration of the last one, within these limits. */
const SHORTEST_PAUSE_MS = 500;
const PAUSE_FACTOR = 10;
const LONGEST_PAUSE_MS = 5000;
/** Number of rows of ended campaigns to keep in memory: about 100 MB. */
const KEPT_ROWS = 200_000;
/** Time without a request after which a page counts as closed: a live page sends one every second. */
const WATCHED_MS = 10_000;

/** The answer waits so long for records to be read; then it contains what is known. */
const FIRST_ANSWER_MS = 300;

export interface CampaignsOptions {
  /** Number of rows of ended campaigns to keep in memory. */
  keptRows?: number;
  /** Receives internal errors, whose details are not shown. */
  onError?: (error: Error) => void;
}

/** All campaigns of the swarm. They are refreshed on request; concurrent requests share a refresh. */
export class Campaigns {
  readonly #queue: QueueWatch;
  readonly #sources: DashboardSources;
  readonly #keptRows: number;
  readonly #onError: (error: Error) => void;
  readonly #views = new Map<string, CampaignView>();
  /** Summaries of ended campaigns, whose rows may have been evicted. */
  readonly #ended = new Map<string, { summary: Summary; version: number; superseded: number }>();
  /** Time of the last request for a campaign's rows; Infinity while a request waits for them. */
  readonly #requestedAt = new Map<string, number>();
  #listed: readonly WatchedCampaign[] = [];
  #damaged: readonly DamagedCampaign[] = [];
  #watched: WatchedSwarm | undefined;
  #swarm: Swarm | undefined;
  #endedSince = 0;
  #refreshing: Promise<void> | undefined;
  #nextRefreshAt = 0;

  constructor(
    queue: QueueWatch,
    sources: DashboardSources,
    { keptRows = KEPT_ROWS, onError = () => undefined }: CampaignsOptions = {},
  ) {
    this.#queue = queue;
    this.#sources = sources;
    this.#keptRows = keptRows;
    this.#onError = onError;
  }

  /** Returns the summaries of all campaigns. */
  async overview(): Promise<Overview> {
    await this.#refreshIfDue();
    const campaigns = this.#listed.map(({ campaign }) => this.#summaryOf(campaign.id));
    return { swarm: this.brief(), campaigns, damaged: [...this.#damaged] };
  }

  /** Returns the swarm with its machines, queue and builds. */
  async swarm(): Promise<Swarm> {
    await this.#refreshIfDue();
    return this.#swarmNow();
  }

  /** Returns the figures of the swarm as of the last refresh. */
  brief(): SwarmBrief {
    const { busy, slots, slotsOf, leftMs, unknown } = this.#swarmNow();
    return { busy, slots, slotsOf, leftMs, unknown };
  }

  /**
   * Returns a campaign with all its runs.
   * @throws {UnknownCampaign} if the swarm does not have it.
   */
  async view(id: string): Promise<CampaignView> {
    this.#requestedAt.set(id, Infinity);
    try {
      for (;;) {
        await this.#refreshIfDue();
        const damaged = this.#damaged.find((each) => each.id === id);
        if (damaged !== undefined) throw new UserError(`campaign ${id} cannot be shown: ${damaged.trouble}`);
        if (!this.#listed.some(({ campaign }) => campaign.id === id)) throw new UnknownCampaign(id);
        const view = this.#views.get(id);
        if (view !== undefined) return view;
        this.forget(id);
      }
    } finally {
      this.#requestedAt.set(id, Date.now());
    }
  }

  /** Makes the next request refresh a campaign that has changed. */
  forget(id: string): void {
    this.#ended.delete(id);
    this.#nextRefreshAt = 0;
  }

  #summaryOf(id: string): Summary {
    const [view, ended] = [this.#views.get(id), this.#ended.get(id)];
    if (ended !== undefined && (view === undefined || view.version === ended.version)) return ended.summary;
    return summarize(view!);
  }

  #swarmNow(): Swarm {
    const views = [...this.#views.values()].filter(({ open }) => open > 0);
    return (this.#swarm ??= swarmOf(
      this.#watched!,
      views,
      views.map((view) => summarize(view)),
    ));
  }

  #refreshIfDue(): Promise<void> {
    if (this.#refreshing === undefined && Date.now() < this.#nextRefreshAt) return Promise.resolve();
    this.#refreshing ??= this.#refreshAll().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refreshAll(): Promise<void> {
    const startedAt = Date.now();
    const [{ campaigns, damaged }, watched, active, ended] = await Promise.all([
      this.#queue.campaigns(),
      this.#queue.swarm(),
      this.#queue.activeJobs(),
      this.#queue.endedSince(this.#endedSince),
    ]);
    const snapshot = { active: new Set(active), ended: new Set(ended.ids) };
    for (const each of campaigns) await this.#refresh(each, snapshot);
    this.#listed = campaigns;
    this.#damaged = damaged;
    this.#endedSince = ended.last;
    this.#watched = watched;
    this.#swarm = undefined;
    this.#forgetOthers(new Set(campaigns.map(({ campaign }) => campaign.id)));
    const tookMs = Date.now() - startedAt;
    await this.#readFolders();
    for (const each of campaigns) this.#noteEnd(each);
    this.#evict();
    const pause = Math.min(LONGEST_PAUSE_MS, PAUSE_FACTOR * tookMs);
    this.#nextRefreshAt = Date.now() + Math.max(SHORTEST_PAUSE_MS, pause);
  }

  #forgetOthers(ids: ReadonlySet<string>): void {
    for (const id of this.#views.keys()) if (!ids.has(id)) this.#dropView(id);
    for (const map of [this.#ended, this.#requestedAt])
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
  }

  #dropView(id: string): void {
    this.#views.get(id)?.[Symbol.dispose]();
    this.#views.delete(id);
  }

  /** Refreshes a campaign. Whatever fails is shown with this campaign only, unless the queue does not respond. */
  async #refresh(now: WatchedCampaign, snapshot: QueueSnapshot): Promise<void> {
    const { id } = now.campaign;
    if (now.open === 0 && this.#ended.get(id)?.superseded === now.superseded) return;
    const view = this.#views.get(id) ?? new CampaignView(now.campaign);
    this.#views.set(id, view);
    this.#ended.delete(id);
    try {
      await view.refresh(now, snapshot, this.#queue, this.#sources);
    } catch (error) {
      if (error instanceof NoAnswer) throw error;
      if (!isExpected(error)) this.#onError(error as Error);
      view.fail(describeTrouble(error));
    }
  }

  /** Reads the folders of all campaigns; each contains records of several campaigns, and is read once for all. */
  async #readFolders(): Promise<void> {
    const folders = new Set([...this.#views.values()].flatMap(({ folder }) => folder ?? []));
    const reading = Promise.all([...folders].map((folder) => folder.read()));
    const isNew = [...this.#views.values()].some((view) => view.reading !== undefined);
    if (isNew) await Promise.race([reading, delay(FIRST_ANSWER_MS, undefined, { ref: false })]);
  }

  /** Keeps the summary of a campaign that has ended, so that it is not read again. */
  #noteEnd({ campaign: { id }, open, superseded }: WatchedCampaign): void {
    const view = this.#views.get(id);
    if (view === undefined || open > 0 || !view.isSettled) return;
    if (this.#ended.get(id)?.version === view.version) return;
    this.#ended.set(id, { summary: summarize(view), version: view.version, superseded });
  }

  #isRequested(id: string): boolean {
    return (this.#requestedAt.get(id) ?? 0) > Date.now() - WATCHED_MS;
  }

  /** Evicts rows of ended campaigns that no page shows if there are too many, least recently requested first. */
  #evict(): void {
    let rows = [...this.#views.values()].reduce((sum, view) => sum + view.rows.size, 0);
    const requestedAt = (id: string): number => this.#requestedAt.get(id) ?? 0;
    for (const id of [...this.#ended.keys()].sort((a, b) => requestedAt(a) - requestedAt(b))) {
      if (rows <= this.#keptRows || this.#isRequested(id)) return;
      rows -= this.#views.get(id)?.rows.size ?? 0;
      this.#dropView(id);
    }
  }
}

/** The swarm does not have a campaign of this id. */
export class UnknownCampaign extends UserError {
  override name = "UnknownCampaign";
  constructor(id: string) {
    super(`no campaign ${id}`, { hint: "the swarm keeps campaigns for 30 days" });
  }
}
