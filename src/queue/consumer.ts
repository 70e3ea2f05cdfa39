import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Job, Worker } from "bullmq";
import type { QueueConnection } from "./names.ts";

/** A job as its handler sees it. */
export interface TakenJob {
  id: string;
  data: unknown;
  /** 1 for the first time that a worker takes it. */
  attempt: number;
  /** How often a worker that had it has vanished. */
  lost: number;
  /** Aborted when this process ends, or when the job has been given to somebody else. */
  signal: AbortSignal;
  report: (progress: object) => void;
}

export interface ConsumerOptions {
  queue: string;
  concurrency: number;
  connection: QueueConnection;
  /** After this time without a sign of life a job goes to another worker. */
  lockMs: number;
  /** Returns the job's return value. When `job.signal` is aborted it may throw: the job is handed back. */
  handle(job: TakenJob, slot: number): Promise<object>;
  /** The queue did not take the return value, because the job had been given to somebody else meanwhile. */
  onRefused: (value: object) => Promise<void>;
  onError: (error: Error) => void;
  signal: AbortSignal;
}

const RETRY_MS = 1000;

interface Held {
  job: Job;
  token: string;
  abort: AbortController;
}

/**
 * Takes jobs from a queue, as many at once as there are slots, until the signal; jobs that are running then
 * are handed back. Uses BullMQ's manual processing: the next job comes in the round trip that completes the
 * last one, and what happens to a job whose worker vanished is for the handler to say.
 * @see BullMQ guide, "Manually processing jobs".
 */
export async function consume(options: ConsumerOptions): Promise<void> {
  const worker = new Worker(options.queue, null, {
    connection: options.connection,
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
  readonly #held = new Set<Held>();
  readonly #free: number[];
  readonly #running = new Set<Promise<void>>();
  readonly #stopped: Promise<void>;

  constructor(worker: Worker, options: ConsumerOptions) {
    this.#worker = worker;
    this.#options = options;
    this.#free = Array.from({ length: options.concurrency }, (_, slot) => slot);
    this.#stopped = new Promise((resolve) => {
      const stop = (): void => {
        for (const held of this.#held) held.abort.abort();
        resolve();
      };
      if (options.signal.aborted) stop();
      else options.signal.addEventListener("abort", stop, { once: true });
    });
  }

  async run(): Promise<void> {
    while (!this.#options.signal.aborted) {
      if (this.#free.length === 0) await Promise.race([this.#stopped, ...this.#running]);
      else await this.#takeOne();
    }
    await Promise.all(this.#running);
  }

  async #takeOne(): Promise<void> {
    const token = randomUUID();
    const taken = this.#take(token);
    const job = await Promise.race([taken, this.#stopped]);
    if (job) this.#begin(job, token);
    else if (this.#options.signal.aborted) void taken.then((late) => late && this.#handBack(late, token));
  }

  async #take(token: string): Promise<Job | undefined> {
    try {
      return (await this.#worker.getNextJob(token)) as Job | undefined;
    } catch (error) {
      this.#options.onError(error as Error);
      await delay(RETRY_MS);
      return undefined;
    }
  }

  #begin(job: Job, token: string): void {
    const slot = this.#free.shift()!;
    const work = this.#workOff(job, token, slot)
      .catch((error: unknown) => this.#options.onError(error as Error))
      .finally(() => {
        this.#free.push(slot);
        this.#running.delete(work);
      });
    this.#running.add(work);
  }

  /** A slot goes on with the next job for as long as there is one. */
  async #workOff(first: Job, token: string, slot: number): Promise<void> {
    for (let job: Job | undefined = first; job !== undefined;) job = await this.#workOn(job, token, slot);
  }

  async #workOn(job: Job, token: string, slot: number): Promise<Job | undefined> {
    const held: Held = { job, token, abort: new AbortController() };
    this.#held.add(held);
    if (this.#options.signal.aborted) held.abort.abort();
    try {
      const value = await this.#options.handle(this.#asTaken(held), slot);
      return await this.#complete(held, value).catch((error: unknown) => this.#refused(value, error));
    } catch (error) {
      if (!held.abort.signal.aborted) this.#options.onError(error as Error);
      await this.#handBack(job, token);
      return undefined;
    } finally {
      this.#held.delete(held);
    }
  }

  #asTaken({ job, abort }: Held): TakenJob {
    return {
      id: job.id!,
      data: job.data as unknown,
      attempt: job.attemptsStarted,
      lost: job.stalledCounter,
      signal: abort.signal,
      report: (progress) => void job.updateProgress(progress).catch(this.#options.onError),
    };
  }

  async #complete({ job, token }: Held, value: object): Promise<Job | undefined> {
    const next = (await job.moveToCompleted(value, token, !this.#options.signal.aborted)) as
      [Parameters<typeof Job.fromJSON>[1]?, string?] | undefined;
    const [data, id] = next ?? [];
    return data && id ? Job.fromJSON(this.#worker, data, id) : undefined;
  }

  async #refused(value: object, error: unknown): Promise<undefined> {
    this.#options.onError(error as Error);
    await this.#options.onRefused(value);
  }

  async #handBack(job: Job, token: string): Promise<void> {
    try {
      await job.moveToWait(token);
    } catch (error) {
      this.#options.onError(error as Error); // the lock was lost: somebody else has the job already
    }
  }

  renewLocks(): void {
    for (const held of this.#held) {
      held.job
        .extendLock(held.token, this.#options.lockMs)
        .then((extended) => extended === 0 && held.abort.abort(), this.#options.onError);
    }
  }
}
