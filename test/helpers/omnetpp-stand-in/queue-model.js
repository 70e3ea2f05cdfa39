import { OppError } from "./errors.js";

/** The error with which the model of examples/mm1 ends a run. */
export class ModelError extends OppError {
  /** @param {string} message @param {string} place such as `module (mm1::Queue) Mm1.queue (id=3)` */
  constructor(message, place) {
    super(message);
    this.place = place;
  }
}

/** @typedef {{ record: (event: number, time: number, value: number) => void }} VectorSink */

/** Count, mean and so on of the values after the warm-up period. */
export class Tally {
  count = 0;
  min = Infinity;
  max = -Infinity;
  sum = 0;
  squares = 0;

  /** @param {number} value */
  add(value) {
    this.count++;
    this.sum += value;
    this.squares += value * value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  get mean() {
    return this.count > 0 ? this.sum / this.count : NaN;
  }

  get deviation() {
    const variance = (this.squares - (this.sum * this.sum) / this.count) / (this.count - 1);
    return this.count > 1 ? Math.sqrt(Math.max(0, variance)) : NaN;
  }
}

/** A value that holds until the next one: its average over time. */
class TimeAverage {
  #start = -1;
  #last = 0;
  #value = 0;
  #area = 0;

  /** @param {number} time @param {number} value */
  set(time, value) {
    if (this.#start < 0) this.#start = time;
    else this.#area += this.#value * (time - this.#last);
    this.#last = time;
    this.#value = value;
  }

  /** @param {number} time */
  until(time) {
    if (this.#start < 0 || time === this.#start) return NaN;
    return (this.#area + this.#value * (time - this.#last)) / (time - this.#start);
  }
}

/** A small fast generator (sfc32): the same seed set gives the same run. @param {number} seed */
function uniform(seed) {
  let [a, b, c, counter] = [0x9e3779b9, seed | 0, ~seed, 1];
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4294967296;
  };
  for (let index = 0; index < 16; index++) next();
  return next;
}

/** Messages on their way at the present time. */
const NONE = 0;
const TO_QUEUE = 1;
const TO_SINK = 2;

/**
 * The network of examples/mm1, event by event like its C++ code: four events for each job (the source's timer, the
 * arrival at the queue, the end of service, the arrival at the sink).
 */
export class QueueModel {
  events = 0;
  time = 0;
  messagesCreated = 2;
  fingerprint = 0x811c9dc5 | 0;
  waitingTime = new Tally();
  lifeTime = new Tally();
  busy = new TimeAverage();
  queueLength = new TimeAverage();
  longestQueue = -Infinity;
  #random;
  #parameters;
  #vectors;
  #nextArrival = 0;
  #endOfService = Infinity;
  #underway = NONE;
  #inService = 0;
  /** Arrival times of the job being served, and of the job on its way to the sink. */
  #served = 0;
  #leaving = 0;
  /** Arrival times of the waiting jobs: a ring buffer. */
  #waiting = new Float64Array(64);
  #head = 0;
  #length = 0;

  /**
   * @param {{ arrivalRate: number, serviceRate: number, seed: number, warmup: number, limit: number }} parameters
   *   limit: simulation time at which the run ends, Infinity for none
   * @param {{ queueLength: VectorSink, waitingTime: VectorSink }} vectors
   * @throws {ModelError} as Source::initialize() does
   */
  constructor(parameters, vectors) {
    this.#parameters = parameters;
    this.#vectors = vectors;
    this.#random = uniform(parameters.seed);
    if (parameters.arrivalRate <= 0)
      throw new ModelError(
        `arrivalRate must be positive, but is ${parameters.arrivalRate}`,
        "module (mm1::Source) Mm1.source (id=2)",
      );
    this.#nextArrival = this.#exponential(parameters.arrivalRate);
    this.#setQueueLength(0);
    this.#setBusy(0);
  }

  /** @param {number} rate */
  #exponential(rate) {
    return -Math.log(1 - this.#random()) / rate;
  }

  get inFes() {
    const ending = this.#parameters.limit < Infinity && this.time < this.#parameters.limit ? 1 : 0;
    return 1 + ending + (this.#endOfService < Infinity ? 1 : 0) + (this.#underway === NONE ? 0 : 1);
  }

  get messagesPresent() {
    return 2 + this.#length + this.#inService + (this.#underway === NONE ? 0 : 1);
  }

  /**
   * Simulates up to `count` events.
   * @param {number} count
   * @returns {boolean} whether the simulation time limit was reached
   */
  advance(count) {
    const { arrivalRate, limit } = this.#parameters;
    for (let left = count; left > 0; left--) {
      this.events++;
      if (this.#underway !== NONE) {
        const target = this.#underway;
        this.#underway = NONE;
        if (target === TO_QUEUE) this.#arriveAtQueue();
        else this.#arriveAtSink();
      } else if (Math.min(this.#nextArrival, this.#endOfService) >= limit) {
        this.time = limit;
        return true;
      } else if (this.#nextArrival <= this.#endOfService) {
        this.time = this.#nextArrival;
        this.messagesCreated++;
        this.#underway = TO_QUEUE;
        this.#nextArrival = this.time + this.#exponential(arrivalRate);
      } else this.#finishService();
      this.fingerprint = Math.imul(this.fingerprint ^ (this.time * 1e6), 0x01000193);
    }
    return false;
  }

  #arriveAtQueue() {
    if (this.#inService === 0) {
      this.#startService(this.time);
      this.#setBusy(1);
      return;
    }
    if (this.#length === this.#waiting.length) this.#grow();
    this.#waiting[(this.#head + this.#length) & (this.#waiting.length - 1)] = this.time;
    this.#length++;
    this.#setQueueLength(this.#length);
  }

  #grow() {
    const larger = new Float64Array(this.#waiting.length * 2);
    for (let index = 0; index < this.#length; index++)
      larger[index] = this.#waiting[(this.#head + index) & (this.#waiting.length - 1)] ?? 0;
    this.#waiting = larger;
    this.#head = 0;
  }

  #finishService() {
    this.time = this.#endOfService;
    this.#endOfService = Infinity;
    this.#underway = TO_SINK;
    this.#leaving = this.#served;
    this.#inService = 0;
    if (this.#length === 0) {
      this.#setBusy(0);
      return;
    }
    const arrived = this.#waiting[this.#head] ?? 0;
    this.#head = (this.#head + 1) & (this.#waiting.length - 1);
    this.#length--;
    this.#setQueueLength(this.#length);
    this.#startService(arrived);
  }

  /** @param {number} arrived */
  #startService(arrived) {
    const { serviceRate, warmup } = this.#parameters;
    this.#inService = 1;
    this.#served = arrived;
    if (serviceRate <= 0)
      throw new ModelError(
        `serviceRate must be positive, but is ${serviceRate}`,
        "module (mm1::Queue) Mm1.queue (id=3)",
      );
    if (this.time >= warmup) {
      this.waitingTime.add(this.time - arrived);
      this.#vectors.waitingTime.record(this.events, this.time, this.time - arrived);
    }
    this.#endOfService = this.time + this.#exponential(serviceRate);
  }

  #arriveAtSink() {
    if (this.time >= this.#parameters.warmup) this.lifeTime.add(this.time - this.#leaving);
  }

  /** @param {number} length */
  #setQueueLength(length) {
    if (this.time < this.#parameters.warmup) return;
    this.queueLength.set(this.time, length);
    if (length > this.longestQueue) this.longestQueue = length;
    this.#vectors.queueLength.record(this.events, this.time, length);
  }

  /** @param {number} value */
  #setBusy(value) {
    if (this.time >= this.#parameters.warmup) this.busy.set(this.time, value);
  }
}
