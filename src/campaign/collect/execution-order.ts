import { errorText } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { longestFirst } from "../../model/run-order.ts";
import { MOST_PREDICTED_RUNS, PREDICTION_SHARE, RELIABLE_PERCENT, RunTimes } from "../../model/run-times.ts";

/** Minimum time between two orders, in ms. */
const INTERVAL_MS = 2000;

interface Started {
  at: number;
  percent: number;
}

/** What ordering needs of the queue. */
interface OrderedQueue {
  reorder(campaign: string, runNumbers: readonly number[]): Promise<void>;
}

/**
 * Keeps the waiting runs of a campaign in the queue in a good order, longest first, while it becomes known how long runs
 * take: from those that have ended, and from the progress of those that are running.
 */
export class ExecutionOrder {
  readonly #campaign: string;
  readonly #queue: OrderedQueue;
  readonly #times: RunTimes;
  readonly #waiting: Map<number, Run>;
  readonly #started = new Map<number, Started>();
  #numbers: readonly number[];
  #isNew = false;
  #nextAt = 0;
  #isOrdering = false;
  /** The queue did not accept an order: none is tried any more. */
  #isRefused = false;
  /** Reported once. */
  #warning: CampaignEvent | undefined;

  /**
   * @param runs all runs that are followed, in the order in which they were queued.
   * @param times what is known about the study's runs.
   */
  constructor(campaign: string, queue: OrderedQueue, runs: readonly Run[], times = new RunTimes()) {
    this.#campaign = campaign;
    this.#queue = queue;
    this.#times = times;
    this.#waiting = new Map(runs.map((run) => [run.runNumber, run]));
    this.#numbers = runs.map((run) => run.runNumber);
    this.#isNew = runs[0] !== undefined && times.predict(runs[0]) !== undefined;
    this.#nextAt = this.#isNew ? 0 : performance.now() + INTERVAL_MS;
  }

  /** Learns from an event of the campaign. */
  observe(event: CampaignEvent): void {
    if (event.type === "started") {
      this.#waiting.delete(event.run.runNumber);
      this.#started.set(event.run.runNumber, { at: performance.now(), percent: 0 });
    } else if (event.type === "progress") {
      this.#observeProgress(event.run, event.progress.percent);
    } else if (event.type === "held") {
      this.#waiting.set(event.run.runNumber, event.run);
      this.#forget(event.run);
    } else if (event.type === "finished") {
      this.#waiting.delete(event.run.runNumber);
      this.#forget(event.run);
      this.#learn(event.run, event.record);
    }
  }

  #observeProgress(run: Run, percent: number | undefined): void {
    this.#waiting.delete(run.runNumber);
    if (percent === undefined) return;
    const started = this.#started.get(run.runNumber);
    if (started === undefined) this.#started.set(run.runNumber, { at: performance.now(), percent });
    else if (percent - started.percent >= RELIABLE_PERCENT) {
      const tookMs = performance.now() - started.at;
      this.#times.expect(run, (tookMs / (percent - started.percent)) * 100);
      this.#isNew = true;
    }
  }

  #forget(run: Run): void {
    this.#started.delete(run.runNumber);
    this.#times.expect(run, undefined);
  }

  #learn(run: Run, { state, wallTimeMs }: RunRecord): void {
    if (state !== "done") return;
    this.#times.add(run, wallTimeMs);
    this.#isNew = true;
  }

  /** Orders the waiting runs anew if that is worthwhile, and yields the times that are predicted for them. */
  *update(): Generator<CampaignEvent> {
    const startedAt = performance.now();
    if (this.#warning !== undefined) {
      yield this.#warning;
      this.#warning = undefined;
    }
    if (this.#isOrdering || this.#isRefused || !this.#isNew || startedAt < this.#nextAt) return;
    if (this.#waiting.size > MOST_PREDICTED_RUNS) return;
    const { runs, predicted } = longestFirst([...this.#waiting.values()], this.#times);
    const before = this.#numbers.filter((number) => this.#waiting.has(number));
    const numbers = runs.map((run) => run.runNumber);
    if (numbers.some((number, index) => number !== before[index])) this.#order(numbers);
    this.#isNew = false;
    const now = performance.now();
    this.#nextAt = now + Math.max(INTERVAL_MS, (now - startedAt) * PREDICTION_SHARE);
    if (predicted !== undefined) yield { type: "predicted", ...predicted };
  }

  /** Orders the runs in the background: runs are also collected while the queue does not respond, or refuses. */
  #order(numbers: readonly number[]): void {
    this.#isOrdering = true;
    this.#queue
      .reorder(this.#campaign, numbers)
      .then(() => (this.#numbers = numbers))
      .catch((error: unknown) => this.#noteRefusal(error))
      .finally(() => (this.#isOrdering = false));
  }

  #noteRefusal(error: unknown): void {
    this.#isRefused = true;
    const message = `the order of the waiting runs cannot be improved: ${errorText(error)}`;
    this.#warning = { type: "warning", message, details: [] };
  }
}
