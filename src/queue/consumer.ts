import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Job, Worker } from "bullmq";
import { FIELD, jobKey } from "./bull-layout.ts";
import type { QueueConnection } from "./names.ts";
import { Postponed } from "./postponed.ts";
import { persistently } from "./persistently.ts";
import { asOwnedJob, nextInTurn, type JoinedJob, type TakenJob } from "./taken-job.ts";
import { workerName } from "./worker-name.ts";

export interface ConsumerOptions {
  queue: string;
  /** How many jobs do their main work at once. */
  concurrency: number;
  /** How many jobs there may be in all, with those that have called `release`. */
  slots: number;
  connection: QueueConnection;
  /** After this time without a sign of life a job goes to another worker. */
  lockMs: number;
  /**
   * Returns the job's return value. When `job.signal` is aborted it may throw: the job is handed back.
   * @throws {Postponed} where the job cannot be done now.
   */
  handle(job: TakenJob, slot: number): Promise<object>;
  /** Asked before each job is taken: returns when one may be. */
  mayTake?: () => Promise<void>;
  /** The queue did not take the return value, because the job had been given to somebody else meanwhile. */
  onRefused: (value: object) => Promise<void>;
  onError: (error: Error) => void;
  signal: AbortSignal;
}

const RETRY_MS = 1000;

interface OpenJob {
  job: Job;
  token: string;
  abort: AbortController;
  released: boolean;
}

/**
 * Takes jobs from a queue until the signal; jobs that are running then are handed back. A job is taken only
 * when it can begin at once, so that none waits here while another worker is idle. Uses BullMQ's manual
 * processing, because what happens to a job whose worker vanished is for the handler to say.
 * @see BullMQ guide, "Manually processing jobs".
 */
export async function consume(options: ConsumerOptions): Promise<void> {
  const worker = new Worker(options.queue, null, {
    connection: options.connection,
    name: workerName(),
    lockDuration: options.lockMs,
    stalledInterval: Math.ceil(options.lockMs / 2),
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on("error", options.onError);
  await worker.waitUntilReady();
  await worker.startStalledCheckTimer();
  const consumer = new Consumer(worker, options);
  const renewal = setInterval(() => consumer.renewLocks(), Math.ceil(options.lockMs / 3));
  try {
    await consumer.run();
  } finally {
    clearInterval(renewal);
    await worker.close(true); // nothing runs any more; without force it would wait for its blocking call
  }
}

class Consumer {
  readonly #worker: Worker;
  readonly #options: ConsumerOptions;
  readonly #held = new Set<OpenJob>();
  readonly #free: number[];
  readonly #running = new Set<Promise<void>>();
  /** Jobs whose main work is being done. */
  #busy = 0;
  #wake: () => void = () => undefined;
  /** Ends the waiting for the next job. A race with a promise that lives as long as this would keep every job. */
  #stopWaiting: () => void = () => undefined;

  constructor(worker: Worker, options: ConsumerOptions) {
    this.#worker = worker;
    this.#options = options;
    this.#free = Array.from({ length: options.slots }, (_, slot) => slot);
    const stop = (): void => {
      for (const held of this.#held) held.abort.abort();
      this.#stopWaiting();
      this.#wake();
    };
    options.signal.addEventListener("abort", stop, { once: true });
  }

  async run(): Promise<void> {
    while (!this.#options.signal.aborted) {
      if (this.#free.length > 0 && this.#busy < this.#options.concurrency) await this.#takeOne();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    await Promise.all(this.#running);
  }

  async #takeOne(): Promise<void> {
    const token = randomUUID();
    const taken = this.#take(token);
    const job = await new Promise<Job | undefined>((resolve) => {
      this.#stopWaiting = () => resolve(undefined);
      void taken.then(resolve);
    });
    if (job) this.#begin(job, token);
    else if (this.#options.signal.aborted)
      void taken.then((late) => late && this.#handBack({ job: late, token }));
  }

  async #take(token: string): Promise<Job | undefined> {
    try {
      await this.#options.mayTake?.();
      if (this.#options.signal.aborted) return undefined;
      return (await this.#worker.getNextJob(token)) as Job | undefined;
    } catch (error) {
      if (this.#options.signal.aborted) return undefined; // its connection is being closed
      this.#options.onError(error as Error);
      await delay(RETRY_MS);
      return undefined;
    }
  }

  #hold(job: Job, token: string): OpenJob {
    const held: OpenJob = { job, token, abort: new AbortController(), released: false };
    if (this.#options.signal.aborted) held.abort.abort();
    this.#held.add(held);
    return held;
  }

  #begin(job: Job, token: string): void {
    const slot = this.#free.shift()!;
    const held = this.#hold(job, token);
    this.#busy++;
    const work = this.#workOn(held, slot)
      .catch((error: unknown) => this.#options.onError(error as Error))
      .finally(() => {
        this.#held.delete(held);
        this.#free.push(slot);
        this.#running.delete(work);
        this.#release(held);
        this.#wake();
      });
    this.#running.add(work);
  }

  #release(held: OpenJob): void {
    if (held.released) return;
    held.released = true;
    this.#busy--;
    this.#wake();
  }

  async #workOn(held: OpenJob, slot: number): Promise<void> {
    const { abort } = held;
    const joined = new Set<OpenJob>();
    let value: object;
    try {
      value = await this.#options.handle(this.#asTaken(held, joined), slot);
    } catch (error) {
      if (error instanceof Postponed) return await this.#postpone(held, error);
      if (abort.signal.aborted) return await this.#handBack(held);
      this.#options.onError(error as Error);
      return await this.#postpone(held, new Postponed(RETRY_MS));
    } finally {
      for (const other of joined) await this.#leave(other, joined);
    }
    await this.#complete(held, value);
  }

  /** What a run has left is worth some patience: it is sent until the queue takes it, or has given the job away. */
  async #complete({ job, token }: OpenJob, value: object): Promise<void> {
    const isTaken = await persistently(() => job.moveToCompleted(value, token, false), this.#options);
    if (!isTaken && !(await this.#isAnswer(job, value))) await this.#options.onRefused(value);
  }

  /** A connection that breaks may lose the queue's reply alone; sent again, the same value is refused. */
  async #isAnswer({ id }: Job, value: object): Promise<boolean> {
    const now = await Job.fromId<unknown, unknown>(this.#worker, id!);
    return now?.finishedOn !== undefined && JSON.stringify(now.returnvalue) === JSON.stringify(value);
  }

  #asTaken(held: OpenJob, joined: Set<OpenJob>): TakenJob {
    return {
      ...asOwnedJob(held.job, held.abort.signal),
      release: () => this.#release(held),
      report: (progress) => void held.job.updateProgress(progress).catch(this.#options.onError),
      join: async (size, accepts) => {
        const wanted = await nextInTurn(this.#worker, size, accepts);
        await Promise.all(Array.from({ length: wanted }, () => this.#takeWaiting(joined)));
        const strangers = [...joined].filter(({ job }) => !accepts(job.id!)); // another worker was quicker
        await Promise.all(strangers.map((other) => this.#leave(other, joined)));
        return [...joined].map((other) => this.#asJoined(other, joined));
      },
    };
  }

  #asJoined(held: OpenJob, joined: Set<OpenJob>): JoinedJob {
    return {
      ...asOwnedJob(held.job, held.abort.signal),
      complete: async (value) => {
        joined.delete(held);
        await this.#complete(held, value).catch(this.#options.onError);
        this.#held.delete(held);
      },
      handBack: () => this.#leave(held, joined),
    };
  }

  async #leave(held: OpenJob, joined: Set<OpenJob>): Promise<void> {
    joined.delete(held);
    await this.#handBack(held);
    this.#held.delete(held);
  }

  async #takeWaiting(joined: Set<OpenJob>): Promise<void> {
    const token = randomUUID();
    try {
      const job = (await this.#worker.getNextJob(token, { block: false })) as Job | undefined;
      if (job !== undefined) joined.add(this.#hold(job, token));
    } catch (error) {
      this.#options.onError(error as Error); // one less; were it taken all the same, its lock would run out
    }
  }

  async #handBack({ job, token }: Pick<OpenJob, "job" | "token">): Promise<void> {
    await persistently(async () => {
      await this.#forgetStart(job);
      await job.moveToWait(token);
    }, this.#options);
  }

  /** Its place among the others stays: it has the priority that it was queued with. */
  async #postpone({ job, token }: OpenJob, { delayMs, data }: Postponed): Promise<void> {
    await persistently(async () => {
      await this.#forgetStart(job);
      if (data !== undefined) await job.updateData(data);
      await job.moveToDelayed(Date.now() + delayMs, token);
    }, this.#options);
  }

  /** Whoever counts jobs takes one with a start and no end for running. */
  async #forgetStart({ id }: Job): Promise<void> {
    const redis = await this.#worker.backend.client;
    await redis.hdel(jobKey(this.#worker.name, id!), FIELD.startedAt);
  }

  renewLocks(): void {
    for (const held of this.#held) {
      held.job
        .extendLock(held.token, this.#options.lockMs)
        .then((extended) => extended === 0 && held.abort.abort(), this.#options.onError);
    }
  }
}
