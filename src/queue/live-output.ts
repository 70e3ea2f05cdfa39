import { Redis } from "ioredis";
import type { QueueConnection } from "./names.ts";

/** The output of running simulations, for users on other machines. The complete output is a result file. */
export interface LiveOutput extends AsyncDisposable {
  /** Opens the output of one job; dispose of it when the run has ended. */
  open(job: string): { write(text: string): void } & AsyncDisposable;
}

const FLUSH_MS = 1000;
/** Output stored for each job: a simulation that prints very much must not fill the queue's memory. */
const MAX_BYTES = 1 << 20;
const TTL_SECONDS = 3600;
const CUT = "\n… the rest is in the output file of the run\n";

/** Key of a text: the output of a running job. */
export const outputKey = (job: string): string => `swarm:output:${job}`;

/** Connects to the queue's Redis, to which output is written every second. */
export function openLiveOutput(connection: QueueConnection, onError: (error: Error) => void): LiveOutput {
  const redis = new Redis(connection);
  redis.on("error", onError);
  return {
    open(job) {
      let pending = "";
      let remaining = MAX_BYTES;
      const flush = async (): Promise<void> => {
        if (pending === "") return;
        const text = pending;
        pending = "";
        await redis.multi().append(outputKey(job), text).expire(outputKey(job), TTL_SECONDS).exec();
      };
      const timer = setInterval(() => void flush().catch(onError), FLUSH_MS);
      return {
        write(text) {
          if (remaining <= 0) return;
          remaining -= text.length;
          pending += remaining > 0 ? text : CUT;
        },
        async [Symbol.asyncDispose]() {
          clearInterval(timer);
          await redis.del(outputKey(job));
        },
      };
    },
    [Symbol.asyncDispose]() {
      redis.disconnect();
      return Promise.resolve();
    },
  };
}

/**
 * Returns what a running job has printed after an offset in bytes. Output arrives with a delay of up to a second.
 * Returns undefined if the job is not running or has printed nothing yet.
 */
export async function readOutput(redis: Redis, job: string, offset: number): Promise<Buffer | undefined> {
  const text = await redis.getrangeBuffer(outputKey(job), offset, -1);
  return text.length > 0 || (await redis.exists(outputKey(job))) === 1 ? text : undefined;
}
