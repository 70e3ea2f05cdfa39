import { performance } from "node:perf_hooks";
import process from "node:process";
import { elapsed, general, simTime } from "./format.js";

/** @typedef {import("./queue-model.js").QueueModel} QueueModel */
/** @typedef {{ simTime: number, realTime: number, cpuTime: number }} Limits  Seconds, Infinity for none. */

/** Clocks of one run, and the status blocks of express mode. */
export class Progress {
  #start = performance.now();
  #cpuStart = process.cpuUsage();
  #lastUpdate = this.#start;
  #last = { at: this.#start, events: 0, time: 0 };
  #limits;
  #batch;
  #performance;

  /** @param {Limits} limits @param {{ index: number, runs: number }} batch @param {boolean} performanceDisplay */
  constructor(limits, batch, performanceDisplay) {
    this.#limits = limits;
    this.#batch = batch;
    this.#performance = performanceDisplay;
  }

  get elapsedSeconds() {
    return (performance.now() - this.#start) / 1000;
  }

  get secondsSinceUpdate() {
    return (performance.now() - this.#lastUpdate) / 1000;
  }

  get cpuSeconds() {
    const { user, system } = process.cpuUsage(this.#cpuStart);
    return (user + system) / 1e6;
  }

  /** @param {QueueModel} model */
  #percentage(model) {
    const { simTime: simulated, realTime, cpuTime } = this.#limits;
    const ratios = [model.time / simulated, this.elapsedSeconds / realTime, this.cpuSeconds / cpuTime];
    if (![simulated, realTime, cpuTime].some((limit) => limit < Infinity)) return "";
    const ratio = Math.min(1, Math.max(...ratios.map((each) => (Number.isNaN(each) ? 1 : each))));
    const total = (this.#batch.index + ratio) / this.#batch.runs;
    return `  ${Math.floor(100 * ratio)}% completed  (${Math.floor(100 * total + 1e-9)}% total)`;
  }

  /** @param {QueueModel} model */
  status(model) {
    const now = performance.now();
    const seconds = (now - this.#last.at) / 1000;
    const events = model.events - this.#last.events;
    const simulated = model.time - this.#last.time;
    // too short an interval is not meaningful
    const measurable = seconds >= 0.01;
    const rate = measurable ? events / seconds : 0;
    this.#last = { at: now, events: model.events, time: model.time };
    this.#lastUpdate = now;
    const first = `** Event #${model.events}   t=${simTime(model.time)}   Elapsed: ${elapsed(roundToMicro(this.elapsedSeconds))}${this.#percentage(model)}`;
    if (!this.#performance) return `${first}   ev/sec=${general(rate)}\n`;
    const [simulatedRate, density] = measurable
      ? [simulated / seconds, simulated > 0 ? events / simulated : 0]
      : [0, 0];
    return (
      `${first}\n` +
      `     Speed:     ev/sec=${general(rate)}   simsec/sec=${general(simulatedRate)}   ev/simsec=${general(density)}\n` +
      `     Messages:  created: ${model.messagesCreated}   present: ${model.messagesPresent}   in FES: ${model.inFes}\n`
    );
  }
}

/** @param {number} seconds */
function roundToMicro(seconds) {
  return Math.round(seconds * 1e6) / 1e6;
}
