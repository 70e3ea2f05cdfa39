import { errorText } from "../errors.ts";
import { no, YES, type Verdict } from "../model/verdict.ts";
import type { TroubleReport } from "../queue/troubles.ts";
import { checkFolder } from "../system/check-folder.ts";
import { attempts } from "../system/poll.ts";

const PACE = { everyMs: 1000, growth: 2, slowestMs: 60_000 };
/** So many jobs in a row that could not be done for reasons of our own, and it is rather this machine than the jobs. */
const PATIENCE = 5;

export interface HealthOptions {
  /** Folders that this worker writes to; they are made where they are missing. */
  directories: readonly string[];
  /** Whether the stores take what is to be stored: throws where they do not. */
  checkStores: () => Promise<void>;
  report: Pick<TroubleReport, "set">;
  signal: AbortSignal;
  firstPauseMs?: number;
}

/**
 * Whether this worker can do any job. Like a circuit breaker it holds the worker back from taking jobs that it could
 * only hand back, looks again in growing intervals, and reports why.
 */
export class Health {
  readonly #options: HealthOptions;
  #reason: string | undefined;
  #inARow = 0;
  /** Pauses until the next look; false if the worker ends meanwhile. */
  #nextLook: () => Promise<boolean>;
  /** One job is let through to see whether it works again. */
  #isTrying = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#nextLook = this.#looks();
  }

  /** Returns when this machine can be used, or the worker ends: before anything is begun here. */
  async untilWell(): Promise<void> {
    const found = await this.#look();
    if (!found.ok) this.#stop(found.reason);
    await this.mayStart();
  }

  /** Returns when a job may be taken, or the worker ends. */
  async mayStart(): Promise<void> {
    while (this.#reason !== undefined && !this.#isTrying) {
      if (!(await this.#nextLook())) return;
      const found = await this.#look();
      if (!found.ok) this.#stop(found.reason);
      else if (this.#inARow < PATIENCE) this.#resume();
      else this.#isTrying = true;
    }
  }

  /**
   * Looks whether it was this machine that kept a job from being done.
   * @param counts whether the error may be one of this machine, though nothing is found.
   * @returns whether this machine is well, so that it may have been the job; otherwise what is wrong here.
   */
  async judge(error: unknown, counts = true): Promise<Verdict> {
    const found = await this.#look();
    if (found.ok && !counts) {
      this.isWell();
      return found;
    }
    this.#isTrying = false;
    this.#inARow++;
    if (!found.ok) this.#stop(found.reason);
    else if (this.#inARow >= PATIENCE)
      this.#stop(`${this.#inARow} jobs in a row failed: ${errorText(error)}`);
    return found;
  }

  /** A job has been done. */
  isWell(): void {
    this.#inARow = 0;
    if (this.#isTrying) this.#resume();
  }

  #looks(): () => Promise<boolean> {
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
    this.#nextLook = this.#looks();
    this.#options.report.set(undefined);
  }

  async #look(): Promise<Verdict> {
    try {
      for (const directory of this.#options.directories) await checkFolder(directory);
      await this.#options.checkStores();
      return YES;
    } catch (error) {
      return no(errorText(error));
    }
  }
}
