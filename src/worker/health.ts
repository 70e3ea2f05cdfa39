import { errorText } from "../errors.ts";
import { no, YES, type Verdict } from "../model/verdict.ts";
import type { TroubleReport } from "../queue/troubles.ts";
import { checkFolder } from "../system/check-folder.ts";
import { attempts } from "../system/poll.ts";

const PACE = { everyMs: 1000, growth: 2, slowestMs: 60_000 };
/** Number of jobs in a row that could not be executed after which this machine is assumed to be the cause. */
const FAILURE_LIMIT = 5;

export interface HealthOptions {
  /** Folders that this worker writes to; missing ones are created. */
  directories: readonly string[];
  /** Throws if the stores cannot be written to. */
  checkStores: () => Promise<void>;
  report: Pick<TroubleReport, "set">;
  signal: AbortSignal;
  firstPauseMs?: number;
}

/**
 * A circuit breaker. While this machine cannot execute any job, it keeps the worker from taking jobs, reports
 * the reason, and checks again in growing intervals.
 */
export class Health {
  readonly #options: HealthOptions;
  #reason: string | undefined;
  #inARow = 0;
  /** Pauses until the next check; returns false if the worker ends meanwhile. */
  #nextCheck: () => Promise<boolean>;
  /** One job is admitted as a test. */
  #isTrying = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#nextCheck = this.#pauses();
  }

  /** Waits until this machine can execute jobs or the signal is aborted. Call it before the worker starts anything. */
  async untilWell(): Promise<void> {
    const found = await this.#check();
    if (!found.ok) this.#stop(found.reason);
    await this.mayStart();
  }

  /** Waits until a job may be taken or the signal is aborted. */
  async mayStart(): Promise<void> {
    while (this.#reason !== undefined && !this.#isTrying) {
      if (!(await this.#nextCheck())) return;
      const found = await this.#check();
      if (!found.ok) this.#stop(found.reason);
      else if (this.#inARow < FAILURE_LIMIT) this.#resume();
      else this.#isTrying = true;
    }
  }

  /**
   * Checks whether this machine is the reason why a job failed.
   * @param counts whether the machine may be the cause even if the check finds nothing.
   * @returns yes if nothing is wrong with this machine, so that the job may be the cause.
   */
  async judge(error: unknown, counts = true): Promise<Verdict> {
    const found = await this.#check();
    if (found.ok && !counts) {
      this.isWell();
      return found;
    }
    this.#isTrying = false;
    this.#inARow++;
    if (!found.ok) this.#stop(found.reason);
    else if (this.#inARow >= FAILURE_LIMIT)
      this.#stop(`${this.#inARow} jobs in a row failed: ${errorText(error)}`);
    return found;
  }

  /** Records that a job has been executed. */
  isWell(): void {
    this.#inARow = 0;
    if (this.#isTrying) this.#resume();
  }

  #pauses(): () => Promise<boolean> {
    const { signal, firstPauseMs = PACE.everyMs } = this.#options;
    return attempts({ ...PACE, everyMs: firstPauseMs, signal, onAbort: "stop" });
  }

  #stop(reason: string): void {
    if (this.#reason !== reason) this.#options.report.set(reason);
    this.#reason = reason;
  }

  #resume(): void {
    this.#isTrying = false;
    this.#inARow = 0;
    this.#reason = undefined;
    this.#nextCheck = this.#pauses();
    this.#options.report.set(undefined);
  }

  async #check(): Promise<Verdict> {
    try {
      for (const directory of this.#options.directories) await checkFolder(directory);
      await this.#options.checkStores();
      return YES;
    } catch (error) {
      return no(errorText(error));
    }
  }
}
