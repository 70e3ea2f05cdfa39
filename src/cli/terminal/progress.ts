import type { CampaignSummary } from "../../model/events.ts";
import type { Progress } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import { estimateTimeLeft } from "../../model/time-left.ts";
import { EventRate } from "./event-rate.ts";
import { count, formatEstimate, formatNumber } from "./format.ts";
import type { Paint } from "./color.ts";
import { textWidth } from "./text-width.ts";

/** The observed progress of a running run. */
interface Watched {
  /** The first observation: the start of the run, or its first report if it had started before. */
  since: { at: number; percent: number; events: number } | undefined;
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
  #parallel = 0;

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
    const since = { at: this.#now(), percent: 0, events: 0 };
    this.#running.set(runNumber, { since, percent: 0, events: 0 });
    this.#parallel = Math.max(this.#parallel, this.#running.size);
  }

  report(runNumber: number, { percent = 0, events }: Progress): void {
    const watched = this.#running.get(runNumber) ?? { since: undefined, percent: 0, events };
    watched.since ??= { at: this.#now(), percent, events };
    this.#rate.add(events - watched.events);
    this.#running.set(runNumber, { ...watched, percent, events });
    this.#parallel = Math.max(this.#parallel, this.#running.size);
  }

  /** Records that a run was requeued. */
  hold(runNumber: number): void {
    this.#running.delete(runNumber);
  }

  finish(runNumber: number, { state, wallTimeMs, events = 0 }: RunRecord): void {
    const watched = this.#running.get(runNumber);
    if (watched) this.#rate.add(Math.max(0, events - watched.events));
    this.#running.delete(runNumber);
    this.finished++;
    if (state === "done") this.done++;
    if (state === "cancelled") this.cancelled++;
    if (wallTimeMs === 0) return;
    this.#runTimeMs += wallTimeMs;
    this.#timed++;
  }

  /** Progress of the campaign in percent, rounded down. */
  get percent(): number {
    const percents = [...this.#running.values()].reduce((sum, { percent }) => sum + percent, 0);
    return this.total === 0 ? 0 : Math.floor((100 * this.finished + percents) / this.total);
  }

  /** Estimated time left in ms; undefined if nothing is known. */
  get leftMs(): number | undefined {
    const now = this.#now();
    const running = [...this.#running.values()].map(({ since, percent }) => ({
      elapsedMs: since === undefined ? 0 : now - since.at,
      gained: since === undefined ? 0 : (percent - since.percent) / 100,
      left: 1 - percent / 100,
    }));
    const meanMs = this.#timed > 0 ? this.#runTimeMs / this.#timed : undefined;
    const waiting = this.total - this.finished - running.length;
    return estimateTimeLeft({ running, waiting, parallel: this.#parallel, meanMs });
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
