import { UserError } from "../errors.ts";
import { DamagedEntry, type QueueWatch, type WatchedCampaign } from "../queue/watch.ts";
import { CampaignView, type QueueLook } from "./campaign-view.ts";
import type { DashboardSources } from "./sources.ts";
import { summarize, type Summary } from "./summary.ts";

/** Looks are so far apart at least, and ten times what the last one took, but not longer than is still live. */
const PAUSE_MS = 500;
const SHARE = 10;
const LONGEST_PAUSE_MS = 5000;
/** Rows that are kept of campaigns that have ended: some 100 MB. */
const KEPT_ROWS = 200_000;
/** A live page asks each second; one that has not for so long is closed. */
const WATCHED_MS = 10_000;

/** All campaigns of the swarm. Looks at the queue when it is asked, for all who ask together. */
export class Campaigns {
  readonly #queue: QueueWatch;
  readonly #sources: DashboardSources;
  readonly #keptRows: number;
  readonly #views = new Map<string, CampaignView>();
  /** Of campaigns that have ended; their rows may have been let go. */
  readonly #ended = new Map<string, Summary>();
  /** When a campaign's rows were asked for; Infinity while somebody waits for them. */
  readonly #askedAt = new Map<string, number>();
  #listed: WatchedCampaign[] = [];
  #endedSince = 0;
  #looking: Promise<void> | undefined;
  #lookAgainAt = 0;

  constructor(queue: QueueWatch, sources: DashboardSources, { keptRows = KEPT_ROWS } = {}) {
    this.#queue = queue;
    this.#sources = sources;
    this.#keptRows = keptRows;
  }

  /** One row for each campaign, the newest first. */
  async overview(): Promise<Summary[]> {
    await this.#look();
    return this.#listed.map(({ campaign }) => this.#summaryOf(campaign.id));
  }

  /**
   * A campaign with all its runs.
   * @throws {UnknownCampaign}
   */
  async view(id: string): Promise<CampaignView> {
    this.#askedAt.set(id, Infinity);
    try {
      for (;;) {
        await this.#look();
        if (!this.#listed.some(({ campaign }) => campaign.id === id)) throw new UnknownCampaign(id);
        const view = this.#views.get(id);
        if (view !== undefined) return view;
        this.forget(id);
      }
    } finally {
      this.#askedAt.set(id, Date.now());
    }
  }

  /** The next question is answered from a new look. */
  forget(id: string): void {
    this.#ended.delete(id);
    this.#lookAgainAt = 0;
  }

  #summaryOf(id: string): Summary {
    return this.#ended.get(id) ?? summarize(this.#views.get(id)!);
  }

  #look(): Promise<void> {
    if (this.#looking === undefined && Date.now() < this.#lookAgainAt) return Promise.resolve();
    this.#looking ??= this.#lookNow().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const startedAt = Date.now();
    const [listed, active, ended] = await Promise.all([
      this.#queue.campaigns(),
      this.#queue.activeJobs(),
      this.#queue.endedSince(this.#endedSince),
    ]);
    const look = { active: new Set(active), ended: new Set(ended.ids) };
    const shown: WatchedCampaign[] = [];
    for (const each of listed) if (await this.#refreshed(each, look)) shown.push(each);
    this.#listed = shown;
    this.#endedSince = ended.last;
    const ids = new Set(shown.map(({ campaign }) => campaign.id));
    for (const kept of [this.#views, this.#ended, this.#askedAt])
      for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
    this.#letGo();
    const pause = Math.min(LONGEST_PAUSE_MS, SHARE * (Date.now() - startedAt));
    this.#lookAgainAt = Date.now() + Math.max(PAUSE_MS, pause);
  }

  /** @returns false for one that is damaged: the others are shown all the same. */
  async #refreshed(now: WatchedCampaign, look: QueueLook): Promise<boolean> {
    try {
      await this.#refresh(now, look);
      return true;
    } catch (error) {
      if (!(error instanceof DamagedEntry)) throw error;
      return false;
    }
  }

  async #refresh(now: WatchedCampaign, look: QueueLook): Promise<void> {
    const { id } = now.campaign;
    const known = this.#views.get(id);
    const isReplaced = known !== undefined && known.superseded !== now.superseded;
    if (now.open === 0 && this.#ended.has(id) && !isReplaced) return;
    const view = known ?? new CampaignView(now.campaign);
    await view.refresh(now, look, this.#queue, this.#sources);
    this.#views.set(id, view);
    if (now.open === 0 && view.open === 0) this.#ended.set(id, summarize(view));
    else this.#ended.delete(id);
    this.#letGo();
  }

  /** The rows of ended campaigns that no page shows are let go when there are too many, first what was not asked for longest. */
  #letGo(): void {
    let rows = [...this.#views.values()].reduce((sum, view) => sum + view.rows.size, 0);
    const askedAt = (id: string): number => this.#askedAt.get(id) ?? 0;
    for (const id of [...this.#ended.keys()].sort((a, b) => askedAt(a) - askedAt(b))) {
      if (rows <= this.#keptRows || askedAt(id) > Date.now() - WATCHED_MS) return;
      rows -= this.#views.get(id)?.rows.size ?? 0;
      this.#views.delete(id);
    }
  }
}

export class UnknownCampaign extends UserError {
  override name = "UnknownCampaign";
  constructor(id: string) {
    super(`no campaign ${id}`, { hint: "the swarm keeps campaigns for 30 days" });
  }
}
