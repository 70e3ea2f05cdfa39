import type { CampaignSummary } from "../../model/events.ts";
import type { Progress } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import type { PredictedTimes } from "../../model/run-order.ts";
import { PACE_WINDOW_MS, timeLeftOf, type EndedPart } from "../../model/time-left.ts";
import { EventRate } from "./event-rate.ts";
import { count, formatEstimate, formatNumber } from "./format.ts";
import type { Paint } from "./color.ts";
import { textWidth } from "./text-width.ts";

/** The observed progress of a running run. */
interface Watched {
  /** The first observation: the start of the run, or its first report if it had started before. */
  since: { at: number; percent: number } | undefined;
  percent: number;
  events: number;
}

/** The progress of a campaign, and its text for the status line. */
export class CampaignProgress {
  readonly #now: () => number;
  readonly #running = new Map<number, Watched>();
  readonly #rate: EventRate;
  total = 0;
  finished = 0;
  done = 0;
  /** Runs that were cancelled: they are neither done nor failed. */
  cancelled = 0;
  /** Total wall time of the runs that were executed. */
  #runTimeMs = 0;
  #timed = 0;
  /** Running runs that wait for another one in the same process, by the number of that run. */
  readonly #batches = new Map<number, readonly number[]>();
  /** The runs that ended last, latest last. */
  #recent: EndedPart[] = [];
  #firstStartedAt: number | undefined;
  #predicted: PredictedTimes | undefined;

  /** @param now returns the time in ms since 1970. */
  constructor(now: () => number) {
    this.#now = now;
    this.#rate = new EventRate(now);
  }

  begin(runs: number): void {
    this.total = runs;
  }

  /** Adds runs of the campaign that ended before it was followed. Returns their number. */
  resume(states: CampaignSummary["states"]): number {
    const runs = Object.values(states).reduce<number>((sum, number) => sum + (number ?? 0), 0);
    this.total += runs;
    this.finished += runs;
    this.done += states.done ?? 0;
    this.cancelled += states.cancelled ?? 0;
    return runs;
  }

  start(runNumber: number): void {
    this.#rate.begin();
    this.#batches.delete(runNumber);
    this.#running.set(runNumber, { since: { at: this.#now(), percent: 0 }, percent: 0, events: 0 });
  }

  /**
   * Records that runs wait for another one in the same process, so that they do not occupy a runner.
   * @param others none if they were requeued.
   */
  batch({ runNumber }: Run, others: readonly Run[]): void {
    if (others.length === 0) for (const each of this.#batches.get(runNumber) ?? []) this.hold(each);
    this.#batches.set(
      runNumber,
      others.map((other) => other.runNumber),
    );
  }

  report(runNumber: number, { percent = 0, events }: Progress): void {
    const watched = this.#running.get(runNumber) ?? { since: undefined, percent: 0, events };
    watched.since ??= { at: this.#now(), percent };
    this.#rate.add(events - watched.events);
    this.#running.set(runNumber, { ...watched, percent, events });
  }

  /** Records what is predicted for the runs that have not started. */
  predict(predicted: PredictedTimes): void {
    this.#predicted = predicted;
  }

  /** Records that a run was requeued. */
  hold(runNumber: number): void {
    this.#running.delete(runNumber);
    this.#batches.delete(runNumber);
  }

  finish(runNumber: number, record: RunRecord): void {
    const { state, wallTimeMs, events = 0 } = record;
    const watched = this.#running.get(runNumber);
    if (watched) this.#rate.add(Math.max(0, events - watched.events));
    this.#running.delete(runNumber);
    this.#batches.delete(runNumber);
    this.finished++;
    if (state === "done") this.done++;
    if (state === "cancelled") this.cancelled++;
    if (wallTimeMs === 0) return;
    this.#runTimeMs += wallTimeMs;
    this.#timed++;
    const [startedAt, finishedAt] = [Date.parse(record.startedAt), Date.parse(record.finishedAt)];
    if (!(startedAt <= finishedAt)) return;
    this.#firstStartedAt = Math.min(startedAt, this.#firstStartedAt ?? Infinity);
    const since = this.#now() - PACE_WINDOW_MS;
    if (finishedAt > since) this.#recent.push({ startedAt, finishedAt });
    const first = this.#recent.findIndex((each) => each.finishedAt > since);
    if (first > this.#recent.length / 2) this.#recent = this.#recent.slice(first);
  }

  /** Progress of the campaign in percent, rounded down; 100 only if all runs have ended. */
  get percent(): number {
    const percents = [...this.#running.values()].reduce((sum, { percent }) => sum + percent, 0);
    if (this.total === 0) return 0;
    const percent = Math.floor((100 * this.finished + percents) / this.total);
    return this.finished < this.total ? Math.min(percent, 99) : percent;
  }

  /** Estimated time left in ms; undefined if nothing is known. */
  get leftMs(): number | undefined {
    const batched = new Set([...this.#batches.values()].flat());
    const occupying = [...this.#running].flatMap(([number, { since, percent }]) =>
      batched.has(number) ? [] : [{ since: since?.at, sincePercent: since?.percent ?? 0, percent }],
    );
    const waiting = this.total - this.finished - occupying.length;
    const ended = { runs: this.#timed, wallTimeMs: this.#runTimeMs };
    const seen = { recent: this.#recent, firstStartedAt: this.#firstStartedAt, predicted: this.#predicted };
    return timeLeftOf({ occupying, waiting, ended, ...seen }, this.#now());
  }

  /** Returns the text for the status line. Omits the least important parts that do not fit. */
  line(columns: number, paint: Paint): string {
    const failed = this.finished - this.done - this.cancelled;
    const left = this.finished < this.total ? this.leftMs : undefined;
    const rate = this.#rate.perSecond;
    const parts = [
      { rank: 0, text: `${this.done} of ${count(this.total, "run")} done` },
      { rank: 2, text: failed > 0 ? `${failed} failed` : "", style: "red" as const },
      { rank: 6, text: this.cancelled > 0 ? `${this.cancelled} cancelled` : "" },
      { rank: 3, text: this.#running.size > 0 ? `${this.#running.size} running` : "" },
      { rank: 1, text: `${this.percent} %`, style: "bold" as const },
      { rank: 5, text: rate === undefined ? "" : `${formatNumber(rate)} events/s` },
      { rank: 4, text: left === undefined ? "" : `about ${formatEstimate(left)} left` },
    ].filter(({ text }) => text !== "");
    const join = (): string => parts.map(({ text }) => text).join(", ");
    while (parts.length > 1 && textWidth(join()) > columns) {
      const least = parts.reduce((worst, part) => (part.rank > worst.rank ? part : worst));
      parts.splice(parts.indexOf(least), 1);
    }
    return parts.map(({ text, style }) => (style ? paint(style, text) : text)).join(", ");
  }
}
