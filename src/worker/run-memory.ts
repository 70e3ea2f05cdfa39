import type { Campaign, RunJob } from "../model/campaign.ts";
import type { MemoryNeeds } from "../model/memory-needs.ts";
import type { RunReport } from "../model/outcome.ts";
import type { RunResult } from "../model/result.ts";
import type { CampaignState } from "../queue/campaign-state.ts";
import type { MemoryRecords } from "../queue/memory-records.ts";
import { Postponed } from "../queue/postponed.ts";
import type { TakenJob } from "../queue/taken-job.ts";
import type { TroubleReport } from "../queue/troubles.ts";
import { machineMemory, type MachineMemory } from "../system/machine-memory.ts";
import { MemoryBudget, MemoryShortage, type MemoryClaim } from "./execute/memory-budget.ts";
import { HAND_OVER_MS, withHostname } from "./machine-faults.ts";

// Which runs a runner executes concurrently depends on their memory, too. Usually, nothing here waits or queries anything.
// Only when there was too little memory for a run, the runner looks at the next runs of the queue before it takes one: it
// takes none while there is memory for none of them, and takes one out of its turn rather than leave a core idle.

/** Number of runs that a runner looks at to find one for which there is memory. */
const LOOK_AHEAD = 16;
const LOOK_INTERVAL_MS = 1000;
/** Time after the last run without memory for it, after which the runner takes runs without looking at them. */
const TIGHT_MS = 60_000;
/** Time after which others no longer start in the place of a run that is waiting for memory; up to twice as long. */
const PATIENCE_MS = 5 * 60_000;
/** A waiting run that was not seen in the queue for this time has been taken by another runner. */
const UNSEEN_MS = 10_000;
/** Time without memory for any run after which clients are told. */
const REPORT_MS = 5000;
/** Peaks vary with the seed. */
const MARGIN = 1.1;
const TOO_LITTLE = "there is too little memory for the next run beside those that are being executed";

interface RunOfQueue {
  campaign: Campaign;
  job: RunJob;
}

type RunningRun = RunOfQueue & { needs: MemoryNeeds };

interface WaitingRun {
  need: number;
  since: number;
  seen: number;
}

export interface RunMemoryOptions {
  records: MemoryRecords;
  campaigns: Pick<CampaignState, "find">;
  report: Pick<TroubleReport, "set">;
  signal: AbortSignal;
  memory?: MachineMemory;
  now?: () => number;
}

/** The memory of the runs that a runner executes. */
export class RunMemory implements Disposable {
  readonly #options: RunMemoryOptions & { now: () => number };
  readonly #budget: MemoryBudget;
  readonly #running = new WeakMap<MemoryClaim, RunningRun>();
  /** Runs for which there was too little memory, by the IDs of their jobs. */
  readonly #waiting = new Map<string, WaitingRun>();
  readonly #patienceMs = PATIENCE_MS * (1 + Math.random()); // not all runners wait for the same run
  #tightUntil = -Infinity;

  constructor(options: RunMemoryOptions) {
    this.#options = { now: () => performance.now(), ...options };
    this.#budget = new MemoryBudget({
      memory: options.memory ?? machineMemory(),
      now: this.#options.now,
      onPeak: (claim, bytes) => {
        const running = this.#running.get(claim);
        running?.needs.raise(running.job.run.iterationVariables, bytes);
      },
    });
    options.signal.addEventListener("abort", () => this.#budget.wake(), { once: true });
  }

  /** Waits until there is memory for one of the next runs, or the worker ends. */
  async mayTake(): Promise<void> {
    const since = this.#options.now();
    let isReported = false;
    while (!this.#isEnding() && this.#options.now() < this.#tightUntil) {
      if (await this.#mayTakeNext()) break;
      this.#tightUntil = this.#options.now() + TIGHT_MS;
      if (!isReported && this.#options.now() > since + REPORT_MS) {
        isReported = true;
        this.#options.report.set(TOO_LITTLE);
      }
      if (!this.#isEnding()) await this.#budget.changed(LOOK_INTERVAL_MS);
    }
    if (isReported) this.#options.report.set(undefined);
  }

  /**
   * Reserves memory for a run that was taken from the queue.
   * @throws {Postponed} if there is too little.
   */
  async claim(taken: TakenJob, run: RunOfQueue): Promise<MemoryClaim> {
    const needs = await this.#options.records.of(run.campaign);
    const need = needOf(run, needs);
    if (!this.#fits(taken.id, need)) throw this.#postponed(taken, tooLittleFor(need));
    this.#waiting.delete(taken.id);
    const claim = this.#budget.claim(need);
    this.#running.set(claim, { ...run, needs });
    return claim;
  }

  /** Takes into account how much memory a run needed, if it completed. */
  learn(claim: MemoryClaim, { outcome }: RunResult): void {
    const running = this.#running.get(claim);
    if (running === undefined || claim.peakBytes === undefined || outcome.state !== "done") return;
    const { iterationVariables } = running.job.run;
    const bytes = running.needs.learn(iterationVariables, claim.peakBytes);
    if (bytes !== undefined) this.#options.records.store(running.campaign, iterationVariables, bytes);
  }

  /** Returns the error that requeues a run which was stopped because of its memory. */
  requeued(taken: TakenJob, { job }: RunOfQueue, { message, neededBytes }: MemoryShortage): Postponed {
    const memoryBytes = Math.max(1, job.memoryBytes ?? 0, Math.round(neededBytes));
    return this.#postponed(taken, message, { ...job, memoryBytes });
  }

  [Symbol.dispose](): void {
    this.#budget[Symbol.dispose]();
  }

  #isEnding(): boolean {
    return this.#options.signal.aborted;
  }

  async #mayTakeNext(): Promise<boolean> {
    const next = await this.#options.records.nextRuns(LOOK_AHEAD);
    if (next.length === 0) return this.#mayTakeWaiting();
    let fits = false;
    for (const { id, job } of next) {
      const campaign = await this.#options.campaigns.find(job.campaign).catch(() => undefined);
      if (campaign === undefined) return true; // taking the run reports the reason
      const needs = await this.#options.records.of(campaign);
      if (this.#fits(id, needOf({ campaign, job }, needs))) fits = true;
    }
    return fits;
  }

  /** Returns whether a run may be taken although none but delayed ones are in the queue. */
  #mayTakeWaiting(): boolean {
    this.#forgetUnseen();
    const waiting = [...this.#waiting.values()];
    return waiting.length === 0 || waiting.some(({ need }) => this.#budget.fits(need));
  }

  /** Forgets waiting runs that were taken by another runner. */
  #forgetUnseen(): void {
    const now = this.#options.now();
    for (const [id, { seen }] of this.#waiting) if (seen < now - UNSEEN_MS) this.#waiting.delete(id);
  }

  /** Returns whether there is memory for a run, beside the one that has been waiting too long. */
  #fits(id: string, need: number | undefined): boolean {
    const now = this.#options.now();
    this.#forgetUnseen();
    const [first] = [...this.#waiting].filter(([, { since }]) => since < now - this.#patienceMs);
    const isOther = first !== undefined && first[0] !== id;
    const fits = this.#budget.fits(need, isOther ? first[1].need : 0);
    if (!fits) {
      const since = this.#waiting.get(id)?.since ?? now;
      this.#waiting.set(id, { need: Math.min(need ?? 0, this.#budget.total), since, seen: now });
    }
    return fits;
  }

  /** Returns the error that requeues a run, and looks at the next ones before another one is taken. */
  #postponed(taken: TakenJob, reason: string, data?: RunJob): Postponed {
    this.#tightUntil = this.#options.now() + TIGHT_MS;
    taken.report({ type: "held", held: withHostname(reason) } satisfies RunReport);
    return new Postponed(HAND_OVER_MS, data);
  }
}

/** Returns the memory that a run is expected to need, in bytes; undefined if nothing is known. */
function needOf({ campaign, job }: RunOfQueue, needs: MemoryNeeds): number | undefined {
  const estimate = needs.estimate(job.run.iterationVariables);
  const learned = estimate === undefined ? undefined : Math.round(estimate * MARGIN);
  const known = [campaign.memoryBytes, job.memoryBytes, learned].filter((bytes) => bytes !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function tooLittleFor(need: number | undefined): string {
  return need === undefined ? TOO_LITTLE : `${TOO_LITTLE} (it needs about ${formatMemory(need)})`;
}

function formatMemory(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
