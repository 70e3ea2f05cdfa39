import type { Campaign } from "../../model/campaign.ts";
import type { CampaignSummary, ExecutedRuns } from "../../model/events.ts";
import type { OutcomeState } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import type { Superseded } from "./history.ts";

const LONGEST = 3;

/**
 * The result of a campaign. For completed runs, only sums are kept, because there may be very many of them.
 */
export class Tally {
  readonly #states: CampaignSummary["states"] = {};
  readonly #failed: RunRecord[] = [];
  readonly #made = { runs: 0, runTimeMs: 0, sizeBytes: 0 };
  /** Number of the campaign's own runs whose final state is known. */
  #recorded = 0;
  readonly #superseded = new Map<string, number>();
  #cpuTimeMs: number | undefined;
  /** When the first run of each worker started and its last run ended, by the worker's clock. */
  readonly #spans = new Map<string, { first: number; last: number }>();
  #longest: ExecutedRuns["longest"] = [];

  /** Number of runs added so far, by their final state. */
  get states(): CampaignSummary["states"] {
    return { ...this.#states };
  }

  /** Adds a run that was collected earlier. */
  add(record: RunRecord): void {
    this.#recorded++;
    this.#count(record.state, 1);
    if (record.state !== "done") this.#failed.push(record);
  }

  /** Adds a run of the same request that did not complete in an earlier campaign. */
  addEarlier(record: RunRecord): void {
    this.#count(record.state, 1);
    this.#failed.push(record);
  }

  /** Adds a run whose record a later campaign has replaced. */
  addSuperseded({ supersededBy, ...record }: Superseded): void {
    this.add({ ...record, files: [] });
    this.#superseded.set(supersededBy, (this.#superseded.get(supersededBy) ?? 0) + 1);
  }

  /** Adds runs that were cancelled before they started. */
  addUnstarted(runs: number): void {
    if (runs === 0) return;
    this.#recorded += runs;
    this.#count("cancelled", runs);
  }

  /** Adds a run that also counts among the executed runs, whose times the summary reports. */
  addNew(record: RunRecord): void {
    this.add(record);
    const { wallTimeMs, cpuTimeMs, startedAt, finishedAt, files, worker } = record;
    if (wallTimeMs === 0) return; // the run never started
    this.#made.runs++;
    this.#made.runTimeMs += wallTimeMs;
    for (const { sizeBytes } of files) this.#made.sizeBytes += sizeBytes;
    if (cpuTimeMs !== undefined) this.#cpuTimeMs = (this.#cpuTimeMs ?? 0) + cpuTimeMs;
    this.#addSpan(worker, Date.parse(startedAt), Date.parse(finishedAt));
    if (this.#longest.length === LONGEST && wallTimeMs <= this.#longest.at(-1)!.wallTimeMs) return;
    const { config, runNumber, iterationVariables, repetition } = record;
    this.#longest.push({ config, runNumber, iterationVariables, repetition, wallTimeMs });
    this.#longest = this.#longest.toSorted((a, b) => b.wallTimeMs - a.wallTimeMs).slice(0, LONGEST);
  }

  /**
   * Returns the summary of a campaign.
   * @param cancelled the campaign was cancelled before this
   *   client followed it: runs without a record never started.
   * @param wallTimeMs how long it was followed; with `whole`, the time in which its runs were executed takes its place.
   */
  summary(
    campaign: Campaign,
    cancelled: boolean,
    {
      resultDirectory,
      wallTimeMs,
      whole = false,
    }: { resultDirectory: string; wallTimeMs: number; whole?: boolean | undefined },
    now = Date.now(),
  ): CampaignSummary {
    const { skipped = 0 } = campaign;
    const missing = campaign.runs - this.#recorded;
    if (missing > 0 && cancelled) this.#count("cancelled", missing);
    if (skipped > 0) this.#count("done", skipped);
    const made = this.#runsMade(now - campaign.createdAt);
    return {
      campaign: campaign.id,
      states: this.#states,
      ...(skipped > 0 && { skipped }),
      wallTimeMs: Math.round(whole && made !== undefined ? made.spanMs : wallTimeMs),
      resultDirectory,
      ...(missing > 0 && !cancelled && { unrecorded: missing }),
      ...(made && { made }),
      ...(this.#superseded.size > 0 && {
        superseded: [...this.#superseded].map(([by, runs]) => ({ campaign: by, runs })),
      }),
      failed: this.#failed.toSorted((a, b) => a.runNumber - b.runNumber),
    };
  }

  #addSpan(worker: string, from: number, to: number): void {
    if (Number.isNaN(from + to)) return; // the record was edited
    const { first, last } = this.#spans.get(worker) ?? { first: Infinity, last: -Infinity };
    this.#spans.set(worker, { first: Math.min(first, from), last: Math.max(last, to) });
  }

  #count(state: OutcomeState, runs: number): void {
    this.#states[state] = (this.#states[state] ?? 0) + runs;
  }

  /**
   * Returns the time from the start of the first run to the end of the last one. The clocks of machines may
   * differ, so it is limited: at least the longest span on a single machine, at most the age of the campaign.
   */
  #spanMs(ageMs: number): number {
    const spans = [...this.#spans.values()];
    if (spans.length === 0) return 0;
    const span = Math.max(...spans.map(({ last }) => last)) - Math.min(...spans.map(({ first }) => first));
    return Math.max(...spans.map(({ first, last }) => last - first), Math.min(span, ageMs));
  }

  #runsMade(ageMs: number): ExecutedRuns | undefined {
    if (this.#made.runs === 0) return undefined;
    return {
      ...this.#made,
      ...(this.#cpuTimeMs !== undefined && { cpuTimeMs: this.#cpuTimeMs }),
      spanMs: this.#spanMs(ageMs),
      longest: this.#longest,
    };
  }
}
