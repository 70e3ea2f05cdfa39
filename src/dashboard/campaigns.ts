import { UserError } from "../errors.ts";
import { DamagedEntry, type QueueWatch, type WatchedCampaign } from "../queue/watch.ts";
import { CampaignView, type QueueSnapshot } from "./campaign-view.ts";
import type { DashboardSources } from "./sources.ts";
import { summarize, type Summary } from "./summary.ts";

/** Pause between two refreshes: PAUSE_FACTOR times the duration of the last one, within these limits. */
const SHORTEST_PAUSE_MS = 500;
const PAUSE_FACTOR = 10;
const LONGEST_PAUSE_MS = 5000;
/** Number of rows of ended campaigns to keep in memory: about 100 MB. */
const KEPT_ROWS = 200_000;
/** Time without a request after which a page counts as closed: a live page sends one every second. */
const WATCHED_MS = 10_000;

/** All campaigns of the swarm. They are refreshed on request; concurrent requests share a refresh. */
export class Campaigns {
  readonly #queue: QueueWatch;
  readonly #sources: DashboardSources;
  readonly #keptRows: number;
  readonly #views = new Map<string, CampaignView>();
  /** Summaries of ended campaigns, whose rows may have been evicted. */
  readonly #ended = new Map<string, Summary>();
  /** Time of the last request for a campaign's rows; Infinity while a request waits for them. */
  readonly #requestedAt = new Map<string, number>();
  #listed: WatchedCampaign[] = [];
  #endedSince = 0;
  #refreshing: Promise<void> | undefined;
  #nextRefreshAt = 0;

  constructor(queue: QueueWatch, sources: DashboardSources, { keptRows = KEPT_ROWS } = {}) {
    this.#queue = queue;
    this.#sources = sources;
    this.#keptRows = keptRows;
  }

  /** Returns the summaries of all campaigns, newest first. */
  async overview(): Promise<Summary[]> {
    await this.#refreshIfDue();
    return this.#listed.map(({ campaign }) => this.#summaryOf(campaign.id));
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
    return this.#ended.get(id) ?? summarize(this.#views.get(id)!);
  }

  #refreshIfDue(): Promise<void> {
    if (this.#refreshing === undefined && Date.now() < this.#nextRefreshAt) return Promise.resolve();
    this.#refreshing ??= this.#refreshAll().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refreshAll(): Promise<void> {
    const startedAt = Date.now();
    const [listed, active, ended] = await Promise.all([
      this.#queue.campaigns(),
      this.#queue.activeJobs(),
      this.#queue.endedSince(this.#endedSince),
    ]);
    const snapshot = { active: new Set(active), ended: new Set(ended.ids) };
    const shown: WatchedCampaign[] = [];
    for (const each of listed) if (await this.#tryRefresh(each, snapshot)) shown.push(each);
    this.#listed = shown;
    this.#endedSince = ended.last;
    const ids = new Set(shown.map(({ campaign }) => campaign.id));
    for (const map of [this.#views, this.#ended, this.#requestedAt])
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    this.#evict();
    const pause = Math.min(LONGEST_PAUSE_MS, PAUSE_FACTOR * (Date.now() - startedAt));
    this.#nextRefreshAt = Date.now() + Math.max(SHORTEST_PAUSE_MS, pause);
  }

  /** Refreshes a campaign. Returns false if its entry is damaged, so that the others are still shown. */
  async #tryRefresh(now: WatchedCampaign, snapshot: QueueSnapshot): Promise<boolean> {
    try {
      await this.#refresh(now, snapshot);
      return true;
    } catch (error) {
      if (!(error instanceof DamagedEntry)) throw error;
      return false;
    }
  }

  async #refresh(now: WatchedCampaign, snapshot: QueueSnapshot): Promise<void> {
    const { id } = now.campaign;
    const known = this.#views.get(id);
    const isReplaced = known !== undefined && known.superseded !== now.superseded;
    if (now.open === 0 && this.#ended.has(id) && !isReplaced) return;
    const view = known ?? new CampaignView(now.campaign);
    await view.refresh(now, snapshot, this.#queue, this.#sources);
    this.#views.set(id, view);
    if (now.open === 0 && view.open === 0) this.#ended.set(id, summarize(view));
    else this.#ended.delete(id);
    this.#evict();
  }

  /** Evicts rows of ended campaigns that no page shows if there are too many, least recently requested first. */
  #evict(): void {
    let rows = [...this.#views.values()].reduce((sum, view) => sum + view.rows.size, 0);
    const requestedAt = (id: string): number => this.#requestedAt.get(id) ?? 0;
    for (const id of [...this.#ended.keys()].sort((a, b) => requestedAt(a) - requestedAt(b))) {
      if (rows <= this.#keptRows || requestedAt(id) > Date.now() - WATCHED_MS) return;
      rows -= this.#views.get(id)?.rows.size ?? 0;
      this.#views.delete(id);
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
