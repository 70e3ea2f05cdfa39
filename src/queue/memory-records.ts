import { Redis } from "ioredis";
import * as v from "valibot";
import { RunJobSchema, type Campaign, type RunJob } from "../model/campaign.ts";
import { MemoryNeeds } from "../model/memory-needs.ts";
import { shortHash } from "../short-hash.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { FIELD, jobKey, queueKey } from "./bull-layout.ts";
import { CAMPAIGN_TTL_SECONDS, RUN_QUEUE, type QueueConnection } from "./names.ts";
import { answersOf } from "./pipelines.ts";

type Study = Pick<Campaign, "user" | "host" | "directory" | "study" | "config">;

/** What the swarm knows about the memory of runs; shared by all its runners. */
export interface MemoryRecords extends Disposable {
  /** Returns what is known about the runs of a campaign's study. It is updated in the background. */
  of(campaign: Study): Promise<MemoryNeeds>;
  /** Stores the peak of runs with these iteration variables, in bytes. */
  store(campaign: Study, variables: Record<string, string>, bytes: number): void;
  /** Returns the runs that are next in the queue, without taking them. */
  nextRuns(most: number): Promise<{ id: string; job: RunJob }[]>;
}

/** Hash of peaks in bytes, by iteration variables as JSON. A study's later campaigns know those of earlier ones. */
const memoryKey = ({ user, host, directory, study, config }: Study): string =>
  `swarm:memory:${shortHash(JSON.stringify([user, host, directory, study, config]))}`;

const REFRESH_MS = 10_000;
const KNOWN_STUDIES = 100;
/** A hash with more fields was not written by a runner. */
const MOST_FIELDS = 50_000;

const VariablesSchema = v.record(v.string(), v.string());
const BytesSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

interface Known {
  needs: Promise<MemoryNeeds>;
  readAt: number;
}

/** Returns the records, which connect to the queue's Redis. */
export function openMemoryRecords(
  connection: QueueConnection,
  onError: (error: Error) => void,
  now: () => number = () => performance.now(),
): MemoryRecords {
  const redis = new Redis(connection);
  redis.on("error", onError);
  const studies = new Map<string, Known>();
  const read = async (key: string, needs: MemoryNeeds): Promise<MemoryNeeds> => {
    const peaks = (await redis.hlen(key)) > MOST_FIELDS ? {} : await redis.hgetall(key);
    for (const [text, number] of Object.entries(peaks)) {
      const variables = v.safeParse(VariablesSchema, parseJsonOrUndefined(text));
      const bytes = v.safeParse(BytesSchema, Number(number));
      if (variables.success && bytes.success) needs.set(variables.output, bytes.output);
    }
    return needs;
  };
  const first = (key: string): Known => {
    if (studies.size >= KNOWN_STUDIES) studies.clear();
    const known = { needs: read(key, new MemoryNeeds()), readAt: now() };
    known.needs.catch(() => studies.delete(key)); // so that the next run tries again
    studies.set(key, known);
    return known;
  };
  return {
    async of(campaign) {
      const key = memoryKey(campaign);
      const known = studies.get(key) ?? first(key);
      if (now() > known.readAt + REFRESH_MS) {
        known.readAt = now();
        void known.needs.then((needs) => read(key, needs)).catch(onError);
      }
      return await known.needs;
    },
    store(campaign, variables, bytes) {
      const key = memoryKey(campaign);
      const stored = redis
        .multi()
        .hset(key, JSON.stringify(variables), bytes)
        .expire(key, CAMPAIGN_TTL_SECONDS);
      void stored.exec().catch(onError);
    },
    async nextRuns(most) {
      const ids = await redis.zrange(queueKey(RUN_QUEUE, "prioritized"), 0, most - 1);
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.hget(jobKey(RUN_QUEUE, id), FIELD.data);
      return (await answersOf(pipeline)).flatMap((data, at) => {
        const job = v.safeParse(RunJobSchema, parseJsonOrUndefined(String(data)));
        return job.success ? [{ id: ids[at]!, job: job.output }] : [];
      });
    },
    [Symbol.dispose]: () => redis.disconnect(),
  };
}
