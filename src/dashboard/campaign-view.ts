import { runJobId, type Campaign } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { chunks } from "../queue/campaign-list.ts";
import type { QueueWatch, WatchedCampaign } from "../queue/watch.ts";
import { keepHeapSmall } from "../system/memory.ts";
import { factsOfJob, factsOfRecord, type Row } from "./row.ts";
import type { DashboardSources } from "./sources.ts";

/** Job ids that are read from the queue once for all campaigns. */
export interface QueueSnapshot {
  active: ReadonlySet<string>;
  /** Jobs that have ended since the last snapshot. */
  ended: ReadonlySet<string>;
}

/** More variables than any study has; a damaged job may have any number. */
const MAX_VARIABLES = 1000;

/** Number of records to read concurrently when runs have been collected. */
const CONCURRENT_RECORDS = 16;

/**
 * All runs of one campaign. A refresh reads only what may have changed. Each change gets a version, so that a
 * page that has seen version 7 receives only later changes.
 */
export class CampaignView {
  readonly campaign: Campaign;
  readonly rows = new Map<number, Row>();
  /** Names of the iteration variables, in the order of their first occurrence. */
  readonly variables: string[] = [];
  readonly #names = new Set<string>();
  cancelled = false;
  /** Number of runs that later campaigns have replaced. */
  superseded = 0;
  version = 0;
  readonly #versions = new Map<number, number>();
  #open = new Set<number>();
  #loaded = false;

  constructor(campaign: Campaign) {
    this.campaign = campaign;
  }

  /** Number of runs in the queue: queued, running, or ended and not yet collected. */
  get open(): number {
    return this.#open.size;
  }

  /** Returns the rows that have changed after a version; all rows for version 0. */
  changedSince(version: number): Row[] {
    if (version <= 0) return [...this.rows.values()];
    return [...this.rows.values()].filter((row) => this.#versions.get(row.runNumber)! > version);
  }

  /** Updates all rows from the queue and the records. */
  async refresh(
    now: WatchedCampaign,
    snapshot: QueueSnapshot,
    queue: Pick<QueueWatch, "openRuns" | "jobs">,
    sources: Pick<DashboardSources, "records" | "record">,
  ): Promise<void> {
    this.version++;
    this.cancelled = now.cancelled;
    if (!this.#loaded || now.superseded !== this.superseded) await this.#load(sources);
    this.superseded = now.superseded;
    if (now.open === 0 && this.#open.size === 0) return;
    const open = new Set(await queue.openRuns(this.campaign.id));
    const removed = [...this.#open].filter((number) => !open.has(number));
    const changed = [...open].filter((number) => this.#mayHaveChanged(number, snapshot));
    this.#open = open;
    await this.#readJobs(changed, snapshot, queue);
    for (const some of chunks(removed, CONCURRENT_RECORDS)) {
      await Promise.all(some.map((number) => this.#readCollected(number, sources)));
    }
  }

  /** Reads the records of all collected runs: at first, and when a later campaign has replaced some. */
  async #load(sources: Pick<DashboardSources, "records">): Promise<void> {
    keepHeapSmall(this.campaign.runs);
    for (const record of await sources.records(this.campaign)) this.#set(record, factsOfRecord(record));
    this.#loaded = true;
  }

  #mayHaveChanged(number: number, { active, ended }: QueueSnapshot): boolean {
    const row = this.rows.get(number);
    if (row === undefined || !this.#open.has(number)) return true;
    const id = runJobId(this.campaign.id, number);
    return active.has(id) || ended.has(id) || row.state === "running";
  }

  async #readJobs(
    numbers: readonly number[],
    snapshot: QueueSnapshot,
    queue: Pick<QueueWatch, "jobs">,
  ): Promise<void> {
    const jobs = await queue.jobs(this.campaign.id, numbers);
    numbers.forEach((number, index) => {
      const job = jobs[index];
      if (job?.run === undefined) return;
      this.#set(job.run, factsOfJob(job, snapshot.active.has(runJobId(this.campaign.id, number))));
    });
  }

  /** Updates a run that is no longer in the queue: it was collected, or cancelled before it started. */
  async #readCollected(number: number, sources: Pick<DashboardSources, "record">): Promise<void> {
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
      if (this.#names.has(name) || this.variables.length === MAX_VARIABLES) continue;
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
