import { runJobId, type Campaign } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { chunks } from "../queue/campaign-list.ts";
import type { QueueWatch, WatchedCampaign } from "../queue/watch.ts";
import { keepHeapSmall } from "../system/memory.ts";
import { factsOfJob, factsOfRecord, type Row } from "./row.ts";
import type { DashboardSources } from "./sources.ts";

/** What all campaigns share of one look at the queue. */
export interface QueueLook {
  active: ReadonlySet<string>;
  ended: ReadonlySet<string>;
}

/** No study has more; a damaged job may have any number. */
const MOST_VARIABLES = 1000;

/** How many rows a record is asked for at once when runs have been collected. */
const AT_ONCE = 16;

/**
 * All runs of one campaign, kept up to date by asking for what has changed. A change gets a version, so that a
 * page that has seen version 7 is sent what is newer.
 */
export class CampaignView {
  readonly campaign: Campaign;
  readonly rows = new Map<number, Row>();
  /** Names of the iteration variables, in the order in which they came up. */
  readonly variables: string[] = [];
  readonly #names = new Set<string>();
  cancelled = false;
  /** How many of its runs a later campaign has replaced. */
  superseded = 0;
  version = 0;
  readonly #versions = new Map<number, number>();
  #open = new Set<number>();
  #loaded = false;

  constructor(campaign: Campaign) {
    this.campaign = campaign;
  }

  /** Runs that the queue still has: queued, being made, or ended and not collected. */
  get open(): number {
    return this.#open.size;
  }

  changedSince(version: number): Row[] {
    if (version <= 0) return [...this.rows.values()];
    return [...this.rows.values()].filter((row) => this.#versions.get(row.runNumber)! > version);
  }

  async refresh(
    now: WatchedCampaign,
    look: QueueLook,
    queue: QueueWatch,
    sources: DashboardSources,
  ): Promise<void> {
    this.version++;
    this.cancelled = now.cancelled;
    if (!this.#loaded || now.superseded !== this.superseded) await this.#load(sources);
    this.superseded = now.superseded;
    const nothingOpen = now.open === 0 && this.#open.size === 0;
    if (nothingOpen) return;
    const open = new Set(await queue.openRuns(this.campaign.id));
    const left = [...this.#open].filter((number) => !open.has(number));
    const asked = [...open].filter((number) => this.#mayHaveChanged(number, look));
    this.#open = open;
    await this.#readJobs(asked, look, queue);
    for (const some of chunks(left, AT_ONCE)) {
      await Promise.all(some.map((number) => this.#readCollected(number, sources)));
    }
  }

  /** What was collected before we looked for the first time, or has been replaced since. */
  async #load(sources: DashboardSources): Promise<void> {
    keepHeapSmall(this.campaign.runs);
    for (const record of await sources.records(this.campaign)) this.#set(record, factsOfRecord(record));
    this.#loaded = true;
  }

  #mayHaveChanged(number: number, { active, ended }: QueueLook): boolean {
    const row = this.rows.get(number);
    if (row === undefined || !this.#open.has(number)) return true;
    const id = runJobId(this.campaign.id, number);
    return active.has(id) || ended.has(id) || row.state === "running";
  }

  async #readJobs(numbers: readonly number[], look: QueueLook, queue: QueueWatch): Promise<void> {
    const jobs = await queue.jobs(this.campaign.id, numbers);
    numbers.forEach((number, index) => {
      const job = jobs[index];
      if (job?.run === undefined) return;
      this.#set(job.run, factsOfJob(job, look.active.has(runJobId(this.campaign.id, number))));
    });
  }

  /** One that has left the queue: collected, or cancelled before it began. */
  async #readCollected(number: number, sources: DashboardSources): Promise<void> {
    const record = await sources.record(this.campaign, number);
    if (record !== undefined) return this.#set(record, factsOfRecord(record));
    const row = this.rows.get(number);
    if (row?.state === "queued" || row?.state === "running")
      this.#put({ ...row, state: this.cancelled ? "cancelled" : "lost", percent: undefined });
  }

  #set(run: Run, facts: Omit<Row, "runNumber" | "values" | "repetition">): void {
    const { runNumber, repetition } = run;
    this.#put({ runNumber, repetition, values: this.#valuesOf(run), ...facts });
  }

  #put(row: Row): void {
    const old = this.rows.get(row.runNumber);
    if (old !== undefined && isSame(old, row)) return;
    this.rows.set(row.runNumber, row);
    this.#versions.set(row.runNumber, this.version);
  }

  #valuesOf({ iterationVariables }: Run): string[] {
    for (const name of Object.keys(iterationVariables)) {
      if (this.#names.has(name) || this.variables.length === MOST_VARIABLES) continue;
      this.#names.add(name);
      this.variables.push(name);
    }
    return this.variables.map((name) =>
      Object.hasOwn(iterationVariables, name) ? iterationVariables[name]! : "",
    );
  }
}

function isSame(a: Row, b: Row): boolean {
  return (Object.keys(b) as (keyof Row)[]).every((name) =>
    name === "values" ? a.values.join("\0") === b.values.join("\0") : a[name] === b[name],
  );
}
