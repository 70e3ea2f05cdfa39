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
  /** Maximum number of jobs that do their main work concurrently. */
  concurrency: number;
  /** Maximum number of jobs, including those that have called `release`. */
  slots: number;
  connection: QueueConnection;
  /** Time without a renewal of its lock after which a job is requeued for another worker. */
  lockMs: number;
  /**
   * Does a job and returns its return value. If it throws after `job.signal` is aborted, the job is handed back.
   * @throws {Postponed} if the job cannot be done now.
   */
  handle(job: TakenJob, slot: number): Promise<object>;
  /** Called before each job is taken; resolves when a job may be taken. */
  mayTake?: () => Promise<void>;
  /** Called if the queue rejects a return value because the job has been given to another worker in the meantime. */
  onRefused: (value: object) => Promise<void>;
  onError: (error: Error) => void;
  signal: AbortSignal;
}

const RETRY_MS = 1000;

/** A job that this process has taken and not yet completed or handed back. */
interface HeldJob {
  job: Job;
  token: string;
  abort: AbortController;
  released: boolean;
}

/**
 * Takes jobs from a queue until the signal is aborted; running jobs are then handed back. A job is taken only when it can
 * start immediately, so that none waits here while another worker is idle. Uses BullMQ's manual processing, because the
 * handler decides what to do with a job whose worker was lost.
 * @see BullMQ guide, "Manually processing jobs".
 */
export async function consume(options: ConsumerOptions): Promise<void> {
  const worker = new Worker(options.queue, null, {
    connection: options.connection,
    name: workerName({ slots: options.concurrency }),
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
    await worker.close(true); // no job is running any more; without force, this would wait for the blocking call
  }
}

class Consumer {
  readonly #worker: Worker;
  readonly #options: ConsumerOptions;
  readonly #held = new Set<HeldJob>();
  readonly #free: number[];
  readonly #running = new Set<Promise<void>>();
  /** Number of jobs that are doing their main work. */
  #busy = 0;
  #wake: () => void = () => undefined;
  /** Stops waiting for the next job. Not a race with a promise of this object: that would keep every job in memory. */
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
      void taken.then((late) => late && this.#requeue({ job: late, token }));
  }

  async #take(token: string): Promise<Job | undefined> {
    try {
      await this.#options.mayTake?.();
      if (this.#options.signal.aborted) return undefined;
      return (await this.#worker.getNextJob(token)) as Job | undefined;
    } catch (error) {
      if (this.#options.signal.aborted) return undefined; // the connection is being closed
      this.#options.onError(error as Error);
      await delay(RETRY_MS);
      return undefined;
    }
  }

  #hold(job: Job, token: string): HeldJob {
    const held: HeldJob = { job, token, abort: new AbortController(), released: false };
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

  #release(held: HeldJob): void {
    if (held.released) return;
    held.released = true;
    this.#busy--;
    this.#wake();
  }

  async #workOn(held: HeldJob, slot: number): Promise<void> {
    const { abort } = held;
    const joined = new Set<HeldJob>();
    let value: object;
    try {
      value = await this.#options.handle(this.#asTaken(held, joined), slot);
    } catch (error) {
      if (error instanceof Postponed) return await this.#postpone(held, error);
      if (abort.signal.aborted) return await this.#requeue(held);
      this.#options.onError(error as Error);
      return await this.#postpone(held, new Postponed(RETRY_MS));
    } finally {
      for (const other of joined) await this.#leave(other, joined);
    }
    await this.#complete(held, value);
  }

  /** Retries until the queue accepts the value or has given the job to another worker, so that no result is lost. */
  async #complete({ job, token }: HeldJob, value: object): Promise<void> {
    const isAccepted = await persistently(() => job.moveToCompleted(value, token, false), this.#options);
    if (!isAccepted && !(await this.#isStored(job, value))) await this.#options.onRefused(value);
  }

  /** Returns whether a job has this value: if a broken connection loses only the reply, the repeated call is rejected. */
  async #isStored({ id }: Job, value: object): Promise<boolean> {
    const now = await Job.fromId<unknown, unknown>(this.#worker, id!);
    return now?.finishedOn !== undefined && JSON.stringify(now.returnvalue) === JSON.stringify(value);
  }

  #asTaken(held: HeldJob, joined: Set<HeldJob>): TakenJob {
    return {
      ...asOwnedJob(held.job, held.abort.signal),
      release: () => this.#release(held),
      report: (progress) => void held.job.updateProgress(progress).catch(this.#options.onError),
      join: async (size, accepts) => {
        const wanted = await nextInTurn(this.#worker, size, accepts);
        await Promise.all(Array.from({ length: wanted }, () => this.#takeWaiting(joined)));
        const unrelated = [...joined].filter(({ job }) => !accepts(job.id!)); // another worker took the expected jobs
        await Promise.all(unrelated.map((other) => this.#leave(other, joined)));
        return [...joined].map((other) => this.#asJoined(other, joined));
      },
    };
  }

  #asJoined(held: HeldJob, joined: Set<HeldJob>): JoinedJob {
    return {
      ...asOwnedJob(held.job, held.abort.signal),
      complete: async (value) => {
        joined.delete(held);
        await this.#complete(held, value).catch(this.#options.onError);
        this.#held.delete(held);
      },
      requeue: () => this.#leave(held, joined),
    };
  }

  async #leave(held: HeldJob, joined: Set<HeldJob>): Promise<void> {
    joined.delete(held);
    await this.#requeue(held);
    this.#held.delete(held);
  }

  async #takeWaiting(joined: Set<HeldJob>): Promise<void> {
    const token = randomUUID();
    try {
      const job = (await this.#worker.getNextJob(token, { block: false })) as Job | undefined;
      if (job !== undefined) joined.add(this.#hold(job, token));
    } catch (error) {
      this.#options.onError(error as Error); // if the job was taken nevertheless, its lock expires
    }
  }

  async #requeue({ job, token }: Pick<HeldJob, "job" | "token">): Promise<void> {
    await persistently(async () => {
      await this.#forgetStart(job);
      await job.moveToWait(token);
    }, this.#options);
  }

  /** Requeues a job with a delay. It keeps its priority and therefore its place among the others. */
  async #postpone({ job, token }: HeldJob, { delayMs, data }: Postponed): Promise<void> {
    await persistently(async () => {
      await this.#forgetStart(job);
      if (data !== undefined) await job.updateData(data);
      await job.moveToDelayed(Date.now() + delayMs, token);
    }, this.#options);
  }

  /** Removes a job's start time: a job with a start and no end would be counted as running. */
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
