import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../errors.ts";
import type { TroubleReport } from "../queue/troubles.ts";
import { checkFolder } from "../system/check-folder.ts";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
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
  readonly #firstPauseMs: number;
  #reason: string | undefined;
  #inARow = 0;
  #pauseMs: number;
  /** One job is admitted as a test. */
  #isTrying = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#firstPauseMs = options.firstPauseMs ?? FIRST_PAUSE_MS;
    this.#pauseMs = this.#firstPauseMs;
  }

  /** Waits until this machine can execute jobs or the signal is aborted. Call it before the worker starts anything. */
  async untilWell(): Promise<void> {
    const reason = await this.#check();
    if (reason !== undefined) this.#stop(reason);
    await this.mayStart();
  }

  /** Waits until a job may be taken or the signal is aborted. */
  async mayStart(): Promise<void> {
    const { signal } = this.#options;
    while (this.#reason !== undefined && !this.#isTrying) {
      const hasPassed = await delay(this.#pauseMs, true, { signal }).catch(() => false); // the worker ends
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      if (!hasPassed) return;
      const reason = await this.#check();
      if (reason !== undefined) this.#stop(reason);
      else if (this.#inARow < FAILURE_LIMIT) this.#resume();
      else this.#isTrying = true;
    }
  }

  /**
   * Checks whether this machine is the reason why a job failed.
   * @param counts whether the machine may be the cause even if the check finds nothing.
   * @returns what is wrong with this machine; undefined if the job may be the cause.
   */
  async judge(error: unknown, counts = true): Promise<string | undefined> {
    const reason = await this.#check();
    if (reason === undefined && !counts) {
      this.isWell();
      return undefined;
    }
    this.#isTrying = false;
    this.#inARow++;
    if (reason !== undefined) this.#stop(reason);
    else if (this.#inARow >= FAILURE_LIMIT)
      this.#stop(`${this.#inARow} jobs in a row failed: ${errorText(error)}`);
    return reason;
  }

  /** Records that a job has been executed. */
  isWell(): void {
    this.#inARow = 0;
    if (this.#isTrying) this.#resume();
  }

  #stop(reason: string): void {
    if (this.#reason !== reason) this.#options.report.set(reason);
    this.#reason = reason;
  }

  #resume(): void {
    this.#isTrying = false;
    this.#inARow = 0;
    this.#reason = undefined;
    this.#pauseMs = this.#firstPauseMs;
    this.#options.report.set(undefined);
  }

  async #check(): Promise<string | undefined> {
    try {
      for (const directory of this.#options.directories) await checkFolder(directory);
      await this.#options.checkStores();
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }
}
