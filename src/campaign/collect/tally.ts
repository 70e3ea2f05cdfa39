import type { Campaign } from "../../model/campaign.ts";
import type { CampaignSummary, RunsMade } from "../../model/events.ts";
import type { OutcomeState } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import type { Superseded } from "./history.ts";

const LONGEST = 3;

/** What became of a campaign. Of a run that is done nothing is kept but its part in the sums: there may be very many. */
export class Tally {
  readonly #states: CampaignSummary["states"] = {};
  readonly #failed: RunRecord[] = [];
  readonly #made = { runs: 0, runTimeMs: 0, sizeBytes: 0 };
  /** How many of the campaign's own runs are accounted for. */
  #recorded = 0;
  readonly #superseded = new Map<string, number>();
  #cpuTimeMs: number | undefined;
  /** When the first run of each worker began and its last one ended, by its own clock. */
  readonly #spans = new Map<string, { first: number; last: number }>();
  #longest: RunsMade["longest"] = [];

  /** A run that was collected before. */
  add(record: RunRecord): void {
    this.#recorded++;
    this.#count(record.state, 1);
    if (record.state !== "done") this.#failed.push(record);
  }

  /** A run of the same request that did not end well in a campaign before. */
  addEarlier(record: RunRecord): void {
    this.#count(record.state, 1);
    this.#failed.push(record);
  }

  /** A run whose record a later campaign has replaced. */
  addSuperseded({ supersededBy, ...record }: Superseded): void {
    this.add({ ...record, files: [] });
    this.#superseded.set(supersededBy, (this.#superseded.get(supersededBy) ?? 0) + 1);
  }

  /** Runs that were cancelled before they started. */
  addUnstarted(runs: number): void {
    if (runs === 0) return;
    this.#recorded += runs;
    this.#count("cancelled", runs);
  }

  /** A run that was collected just now: it also counts among what was made. */
  addNew(record: RunRecord): void {
    this.add(record);
    const { wallTimeMs, cpuTimeMs, startedAt, finishedAt, files, worker } = record;
    if (wallTimeMs === 0) return; // it never began
    this.#made.runs++;
    this.#made.runTimeMs += wallTimeMs;
    for (const { sizeBytes } of files) this.#made.sizeBytes += sizeBytes;
    if (cpuTimeMs !== undefined) this.#cpuTimeMs = (this.#cpuTimeMs ?? 0) + cpuTimeMs;
    const { first, last } = this.#spans.get(worker) ?? { first: Infinity, last: -Infinity };
    const span = {
      first: Math.min(first, Date.parse(startedAt)),
      last: Math.max(last, Date.parse(finishedAt)),
    };
    this.#spans.set(worker, span);
    if (this.#longest.length === LONGEST && wallTimeMs <= this.#longest.at(-1)!.wallTimeMs) return;
    const { config, runNumber, iterationVariables, repetition } = record;
    this.#longest.push({ config, runNumber, iterationVariables, repetition, wallTimeMs });
    this.#longest = this.#longest.toSorted((a, b) => b.wallTimeMs - a.wallTimeMs).slice(0, LONGEST);
  }

  /** @param cancelled whether the campaign was, before anybody followed it: then the runs without a record never began. */
  summary(
    campaign: Campaign,
    cancelled: boolean,
    { resultDirectory, wallTimeMs }: { resultDirectory: string; wallTimeMs: number },
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
      wallTimeMs: Math.round(wallTimeMs),
      resultDirectory,
      ...(missing > 0 && !cancelled && { unrecorded: missing }),
      ...(made && { made }),
      ...(this.#superseded.size > 0 && {
        superseded: [...this.#superseded].map(([by, runs]) => ({ campaign: by, runs })),
      }),
      failed: this.#failed.toSorted((a, b) => a.runNumber - b.runNumber),
    };
  }

  #count(state: OutcomeState, runs: number): void {
    this.#states[state] = (this.#states[state] ?? 0) + runs;
  }

  /**
   * From the start of the first run to the end of the last one. The clocks of machines may differ: it is not less than on
   * any one machine, and not more than the age of the campaign.
   */
  #spanMs(ageMs: number): number {
    const spans = [...this.#spans.values()];
    const span = Math.max(...spans.map(({ last }) => last)) - Math.min(...spans.map(({ first }) => first));
    return Math.max(...spans.map(({ first, last }) => last - first), Math.min(span, ageMs));
  }

  #runsMade(ageMs: number): RunsMade | undefined {
    if (this.#made.runs === 0) return undefined;
    return {
      ...this.#made,
      ...(this.#cpuTimeMs !== undefined && { cpuTimeMs: this.#cpuTimeMs }),
      spanMs: this.#spanMs(ageMs),
      longest: this.#longest,
    };
  }
}
