import { setImmediate } from "node:timers/promises";
import { runJobId, type Campaign } from "../model/campaign.ts";
import type { RecordedRun, RecordSubscription } from "../model/recorded-runs.ts";
import type { Run } from "../model/run.ts";
import type { QueueWatch, WatchedCampaign } from "../queue/watch.ts";
import type { KeptEnd } from "../queue/watched-jobs.ts";
import { keepHeapSmall } from "../system/memory.ts";
import { factsOfEnd, factsOfJob, factsOfRecord, isEnded, isSameRow, type Facts, type Row } from "./row.ts";
import type { DashboardSources, RecordFolder } from "./sources.ts";
import { describeTrouble } from "./trouble.ts";

/** Where the runs of a campaign are. */
type RunQueue = Pick<QueueWatch, "openRuns" | "jobs" | "keptEnds">;

/** Job ids that are read from the queue once for all campaigns. */
export interface QueueSnapshot {
  active: ReadonlySet<string>;
  /** Jobs that have ended since the last snapshot. */
  ended: ReadonlySet<string>;
}

/** More variables than any study has; a damaged job may have any number. */
const MAX_VARIABLES = 1000;
/** Pause between two comparisons of all jobs: COMPARE_FACTOR times the duration of the last one, at least COMPARE_MS. */
const COMPARE_MS = 30_000;
const COMPARE_FACTOR = 20;
/** Maximum number of records to read in a refresh: more are delivered in the background. */
const MOST_LEFT = 2000;
/** Number of records to read before yielding to the event loop. */
const CHUNK = 200;

/** The last version of any row, of all views: a page may have seen versions of a view that was evicted since. */
let lastVersion = 0;

/**
 * All runs of one campaign. A refresh reads only what may have changed. Each change of a row gets a version, so that a
 * page that has seen version 7 receives only later changes.
 *
 * A client stores the record of a run, then removes its job, and then removes the run from the open ones. Therefore,
 * the open runs are read first, and then the jobs and records: a run that is not open any more has a record, unless it
 * never started or was collected elsewhere; and a run that was open stays as it was until its record has been read.
 */
export class CampaignView {
  readonly campaign: Campaign;
  readonly rows = new Map<number, Row>();
  /** Names of the iteration variables, in the order of their first occurrence. */
  readonly variables: string[] = [];
  readonly #names = new Set<string>();
  cancelled = false;
  /** Number of runs that later campaigns have replaced, according to the queue. */
  superseded = 0;
  version = lastVersion;
  readonly #versions = new Map<number, number>();
  /** The folder of the records; undefined if it is not on this machine. */
  folder: RecordFolder | undefined;
  #subscription: RecordSubscription | undefined;
  #open: ReadonlySet<number> = new Set<number>();
  /** Runs that have left the queue, and whose record or end has not been read yet. */
  readonly #left = new Set<number>();
  /** Open runs whose jobs cannot be read. */
  readonly #damaged = new Set<number>();
  /** How runs ended of which nothing else is known. */
  #kept = new Map<number, KeptEnd>();
  #keptCount = 0;
  #compareAt = 0;
  #trouble: string | undefined;

  constructor(campaign: Campaign) {
    this.campaign = campaign;
  }

  /** Number of runs in the queue: queued, running, or ended and not yet collected. */
  get open(): number {
    return this.#open.size;
  }

  /** How many of the folder's records have been read; undefined if all have been. */
  get reading(): { done: number; of: number } | undefined {
    return this.#subscription === undefined || this.#subscription.isComplete
      ? undefined
      : this.folder?.progress;
  }

  /** What could not be read of this campaign; undefined if nothing is wrong. */
  get trouble(): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    if (this.#damaged.size > 0)
      return `the entries of ${this.#damaged.size === 1 ? "a run" : `${this.#damaged.size} runs`} in the queue are damaged`;
    return this.#subscription?.trouble((number) => this.rows.has(number));
  }

  /** Whether nothing of this campaign can change unless it is retried or superseded. */
  get isSettled(): boolean {
    if (this.open > 0 || this.#left.size > 0) return false;
    return this.reading === undefined && this.trouble === undefined;
  }

  /** Number of runs of each state, of all runs of the campaign. */
  get states(): Record<string, number> {
    const states: Record<string, number> = {};
    const add = (state: string, count = 1): void => void (states[state] = (states[state] ?? 0) + count);
    for (const { state } of this.rows.values()) add(state);
    for (const number of this.#open)
      if (!this.rows.has(number)) add(this.#damaged.has(number) ? "unreadable" : "queued");
    for (const [number, { state }] of this.#kept) if (!this.#isShown(number)) add(state);
    const counted = Object.values(states).reduce((sum, count) => sum + count, 0);
    const unknown = this.campaign.runs - counted;
    if (unknown > 0) add(this.reading === undefined ? "without a record" : "unread", unknown);
    return states;
  }

  /** Returns whether a run is in the queue. */
  isOpen(runNumber: number): boolean {
    return this.#open.has(runNumber);
  }

  /** Returns the rows that have changed after a version; all rows for version 0. */
  changedSince(version: number): Row[] {
    if (version <= 0) return [...this.rows.values()];
    return [...this.rows.values()].filter((row) => this.#versions.get(row.runNumber)! > version);
  }

  /**
   * Updates the rows from the queue, and subscribes to the records; the caller has to read their folder. What fails is
   * tried again with the next refresh.
   * @throws the first error, after everything else has been updated.
   */
  async refresh(
    now: WatchedCampaign,
    snapshot: QueueSnapshot,
    queue: RunQueue,
    sources: Pick<DashboardSources, "folder">,
  ): Promise<void> {
    this.cancelled = now.cancelled;
    this.superseded = now.superseded;
    this.#trouble = undefined;
    const errors: unknown[] = [];
    const attempt = (work: Promise<void>): Promise<unknown> =>
      work.catch((error: unknown) => errors.push(error));
    if (now.open > 0 || this.#open.size > 0) await attempt(this.#readOpen(snapshot, queue));
    await attempt(this.#subscribe(sources));
    await attempt(this.#readKept(now, queue));
    await attempt(this.#readLeft(queue));
    if (errors.length > 0) throw errors[0];
  }

  /** Notes what could not be read. */
  fail(trouble: string): void {
    this.#trouble ??= trouble;
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
  }

  async #readOpen(snapshot: QueueSnapshot, queue: RunQueue): Promise<void> {
    const open = new Set(await queue.openRuns(this.campaign.id));
    const isComparing = performance.now() >= this.#compareAt;
    const startedAt = performance.now();
    const changed = [...open].filter((number) => isComparing || this.#mayHaveChanged(number, snapshot));
    for (const number of this.#open) if (!open.has(number)) this.#left.add(number);
    for (const number of open) this.#left.delete(number);
    for (const number of this.#damaged) if (!open.has(number)) this.#damaged.delete(number);
    this.#open = open;
    await this.#readJobs(changed, snapshot, queue);
    if (!isComparing) return;
    const tookMs = performance.now() - startedAt;
    this.#compareAt = performance.now() + Math.max(COMPARE_MS, COMPARE_FACTOR * tookMs);
  }

  #mayHaveChanged(number: number, { active, ended }: QueueSnapshot): boolean {
    const row = this.rows.get(number);
    if (row?.origin !== "job" || !this.#open.has(number)) return true;
    const id = runJobId(this.campaign.id, number);
    return active.has(id) || ended.has(id) || row.state === "running";
  }

  async #readJobs(numbers: readonly number[], snapshot: QueueSnapshot, queue: RunQueue): Promise<void> {
    const jobs = await queue.jobs(this.campaign.id, numbers);
    numbers.forEach((number, index) => {
      const job = jobs[index];
      if (job === undefined) return void this.#left.add(number); // just being queued or collected
      if (job.run === undefined) return void this.#damaged.add(number);
      this.#damaged.delete(number);
      this.#set(job.run, factsOfJob(job, snapshot.active.has(runJobId(this.campaign.id, number))));
    });
  }

  async #subscribe(sources: Pick<DashboardSources, "folder">): Promise<void> {
    if (this.#subscription !== undefined) return;
    keepHeapSmall(this.campaign.runs);
    this.folder = await sources.folder(this.campaign);
    this.#subscription = this.folder?.subscribe(this.campaign, {
      recorded: (record) => this.#setRecord(record),
      superseded: (record) => this.#setRecord(record),
      removed: (number, by) => this.#removeRecord(number, by),
    });
  }

  #setRecord(record: RecordedRun): void {
    const { runNumber } = record;
    if (this.#open.has(runNumber) && this.rows.get(runNumber)?.origin === "job") return; // it is being retried
    this.#set(record, factsOfRecord(record));
  }

  #removeRecord(runNumber: number, by: string | undefined): void {
    const row = this.rows.get(runNumber);
    if (row?.origin !== "record" || row.supersededBy !== undefined) return;
    const origin = by === undefined ? "kept" : "record";
    this.#put({ ...row, supersededBy: by, origin });
  }

  /** Reads how runs ended of which nothing is known: at first, and when more have ended without being seen. */
  async #readKept(now: WatchedCampaign, queue: RunQueue): Promise<void> {
    if (now.kept === this.#keptCount) return;
    const open = [...this.#open].filter((number) => !this.rows.has(number));
    if (this.rows.size + open.length >= this.campaign.runs) return;
    this.#kept = await queue.keptEnds(this.campaign.id);
    this.#keptCount = now.kept;
    for (const [number, end] of this.#kept)
      if (end.run !== undefined && !this.#isShown(number)) this.#set(end.run, factsOfEnd(end));
  }

  #isShown(number: number): boolean {
    return this.rows.has(number) || this.#open.has(number);
  }

  /** Reads the records of runs that have left the queue, and how those without one ended. */
  async #readLeft(queue: RunQueue): Promise<void> {
    const others: number[] = [];
    for (const [index, number] of [...this.#left].slice(0, MOST_LEFT).entries()) {
      if (index % CHUNK === CHUNK - 1) await setImmediate();
      if (this.#isRecorded(number)) this.#left.delete(number);
      else if (!this.#tryReadRecord(number)) others.push(number);
    }
    if (others.length === 0) return;
    const ends = await queue.keptEnds(this.campaign.id, others);
    for (const number of others) {
      this.#left.delete(number);
      if (!this.#open.has(number)) this.#setEnd(number, ends.get(number));
    }
  }

  /** Returns whether a run has left the queue, and its record has already been delivered. */
  #isRecorded(number: number): boolean {
    return !this.#open.has(number) && this.rows.get(number)?.origin === "record";
  }

  /** Reads the record of a run. Returns whether nothing else has to be read about the run for the time being. */
  #tryReadRecord(number: number): boolean {
    try {
      const record = this.folder?.record(this.campaign, number);
      if (record === undefined) return false;
      this.#left.delete(number);
      this.#set(record, factsOfRecord(record));
    } catch (error) {
      this.#trouble = describeTrouble(error);
      this.#left.delete(number);
      this.#left.add(number); // after all others
    }
    return true;
  }

  /** @param end undefined: the queue keeps nothing about runs that are done. */
  #setEnd(number: number, end: KeptEnd | undefined): void {
    const row = this.rows.get(number);
    if (row === undefined) {
      if (end?.run !== undefined) this.#set(end.run, factsOfEnd(end));
      else if (end !== undefined) this.#kept.set(number, end);
      return;
    }
    const state = end?.state ?? (isEnded(row) ? row.state : "done");
    const origin = end?.run === undefined ? "kept" : "unstarted";
    this.#put({ ...row, state, origin, percent: undefined, batch: undefined });
  }

  #set(run: Run, facts: Facts): void {
    const { runNumber, repetition } = run;
    this.#put({ runNumber, repetition, values: this.#valuesOf(run), ...facts });
  }

  #put(row: Row): void {
    const old = this.rows.get(row.runNumber);
    if (old !== undefined && isSameRow(old, row)) return;
    this.rows.set(row.runNumber, row);
    this.version = ++lastVersion;
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
