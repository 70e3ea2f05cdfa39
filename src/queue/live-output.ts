import { Redis } from "ioredis";
import type { QueueConnection } from "./names.ts";

/** What running simulations print, so that somebody far away can read along. The whole of it is a result file. */
export interface LiveOutput extends AsyncDisposable {
  /** A place for the output of one job; dispose of it when the run has ended. */
  open(job: string): { write(text: string): void } & AsyncDisposable;
}

const FLUSH_MS = 1000;
/** Enough to see what goes on; a simulation that floods its output must not fill the queue's memory. */
const MAX_BYTES = 1 << 20;
const TTL_SECONDS = 3600;
const CUT = "\n… the rest is in the output file of the run\n";

export const outputKey = (job: string): string => `swarm:output:${job}`;

export function openLiveOutput(connection: QueueConnection, onError: (error: Error) => void): LiveOutput {
  const redis = new Redis(connection);
  redis.on("error", onError);
  return {
    open(job) {
      let pending = "";
      let room = MAX_BYTES;
      const flush = async (): Promise<void> => {
        if (pending === "") return;
        const text = pending;
        pending = "";
        await redis.multi().append(outputKey(job), text).expire(outputKey(job), TTL_SECONDS).exec();
      };
      const timer = setInterval(() => void flush().catch(onError), FLUSH_MS);
      return {
        write(text) {
          if (room <= 0) return;
          room -= text.length;
          pending += room > 0 ? text : CUT;
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
 * What a running job has printed after an offset in bytes.
 * @returns undefined where it is not running, or has not printed for a second.
 */
export async function readOutput(redis: Redis, job: string, offset: number): Promise<Buffer | undefined> {
  const text = await redis.getrangeBuffer(outputKey(job), offset, -1);
  return text.length > 0 || (await redis.exists(outputKey(job))) === 1 ? text : undefined;
}
