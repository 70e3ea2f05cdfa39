import { Job, Queue } from "bullmq";
import { Redis } from "ioredis";
import { runJobId, type Campaign } from "../model/campaign.ts";
import { isCampaignId } from "../model/names.ts";
import { delayedFrom, FIELD, jobKey, queueKey } from "./bull-layout.ts";
import { admittedKey, LIMITS_KEY, openRunsKey, parkedKey, RUN_QUEUE, type QueueConnection } from "./names.ts";

// A campaign may limit how many of its runs the swarm executes concurrently. Its runs are parked: their jobs are delayed
// by so long that no worker takes them. As many as the limit allows are admitted, which makes their jobs ordinary ones.
// A run stays admitted until its simulation has ended, also while it is given to another worker because its own was lost.
// Workers admit the next run, so no client has to be connected.

/** Delay of a parked job. */
export const PARKED_MS = 365 * 24 * 3600_000;
/** Interval at which a runner admits runs that other runners should have admitted, but were ended before. */
const REPAIR_MS = 5000;
/** Maximum number of parked runs to look at in one call. */
const MOST_LOOKED_AT = 1000;

/** Lua functions of all scripts. Of a campaign whose jobs were removed, the entries remain; they are removed here. */
const COMMON = `
local admitted, parked, open, delayed, limits = unpack(KEYS)
local campaign, jobs, ids, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local function isLeft(number)
  return redis.call('EXISTS', jobs .. number) == 1 and not redis.call('HGET', jobs .. number, '${FIELD.finishedAt}')
end
for _, number in ipairs(redis.call('SMEMBERS', admitted)) do
  if not isLeft(number) then redis.call('SREM', admitted, number) end
end`;

/** Lua script: admits a run that a worker has taken, or parks it. Returns whether it is admitted. */
const ENTER = `${COMMON}
local number = ARGV[5]
if redis.call('SISMEMBER', admitted, number) == 1 then return 1 end
if redis.call('SCARD', admitted) < limit then
  redis.call('ZREM', parked, number)
  redis.call('SADD', admitted, number)
  return 1
end
redis.call('ZADD', parked, number, number)
redis.call('HSET', limits, campaign, limit)
return 0`;

/**
 * Lua script: removes runs that have ended, and admits parked ones in their place. Returns the numbers of the admitted
 * runs whose jobs are still delayed. A run without a job that is not collected is just being queued.
 */
const FILL = `${COMMON}
for at = 6, #ARGV do redis.call('SREM', admitted, ARGV[at]) end
for _, number in ipairs(redis.call('ZRANGE', parked, 0, ${MOST_LOOKED_AT - 1})) do
  if redis.call('SCARD', admitted) >= limit then break end
  if isLeft(number) then
    redis.call('ZREM', parked, number)
    redis.call('SADD', admitted, number)
  elseif redis.call('EXISTS', jobs .. number) == 1 or redis.call('SISMEMBER', open, number) == 0 then
    redis.call('ZREM', parked, number)
  end
end
if redis.call('EXISTS', admitted, parked) == 0 then redis.call('HDEL', limits, campaign) end
local found = {}
for _, number in ipairs(redis.call('SMEMBERS', admitted)) do
  local score = redis.call('ZSCORE', delayed, ids .. number)
  if score and tonumber(score) >= tonumber(ARGV[5]) then found[#found + 1] = number end
end
return found`;

type LimitedCampaign = Pick<Campaign, "id" | "concurrency">;

/**
 * Parks runs that are about to be queued, in the order in which to admit them. Their jobs must have the delay `PARKED_MS`.
 * @param first number of runs of the same campaign that were parked just before.
 */
export async function park(
  redis: Redis,
  { id, concurrency }: LimitedCampaign,
  numbers: readonly number[],
  first = 0,
): Promise<void> {
  if (concurrency === undefined) return;
  // in one step: a runner would remove the limit of a campaign that has no parked run yet
  await redis
    .multi()
    .hset(LIMITS_KEY, id, concurrency)
    .zadd(parkedKey(id), ...numbers.flatMap((number, index) => [first + index, number]))
    .exec();
}

/** Admits as many runs of a campaign as its limit allows. @param ended runs that are not being executed any more. */
export async function admitRuns(
  redis: Redis,
  queue: Queue,
  campaign: LimitedCampaign,
  ended: readonly number[] = [],
): Promise<void> {
  if (campaign.concurrency === undefined) return;
  const since = delayedFrom(Date.now() + PARKED_MS / 2);
  const numbers = (await evaluate(redis, FILL, campaign, [since, ...ended])) as string[];
  await Promise.all(
    numbers.map(async (number) => {
      const job = await Job.fromId(queue, runJobId(campaign.id, Number(number)));
      await job?.promote().catch(() => undefined); // another runner has promoted or the client has removed it
    }),
  );
}

function evaluate(redis: Redis, script: string, campaign: LimitedCampaign, args: readonly number[]) {
  const { id, concurrency = Infinity } = campaign;
  const ids = runJobId(id, 0).slice(0, -1);
  const sets = [admittedKey(id), parkedKey(id), openRunsKey(id), queueKey(RUN_QUEUE, "delayed"), LIMITS_KEY];
  return redis.eval(script, sets.length, ...sets, id, jobKey(RUN_QUEUE, ids), ids, concurrency, ...args);
}

/** Removes what is stored for the limit of a campaign that has expired. */
export async function forgetLimit(redis: Redis, id: string): Promise<void> {
  await redis.multi().del(admittedKey(id), parkedKey(id)).hdel(LIMITS_KEY, id).exec();
}

/** The runs of a campaign that a runner executes together. */
export interface Admission {
  /** Returns whether a run may start now. If not, its job has to be delayed by `PARKED_MS`. */
  enter(runNumber: number): Promise<boolean>;
  /** Notes that an entered run was requeued before its simulation has ended: it stays admitted. */
  handBack(runNumber: number): void;
  /** Notes that the simulations of all entered runs have ended, so that others may start. May be repeated. */
  leave(): void;
}

/** A runner's view of the campaigns that limit their concurrent runs. */
export interface RunLimits extends AsyncDisposable {
  of(campaign: LimitedCampaign): Admission;
}

/** Connects to the queue's Redis, and admits runs that another runner should have admitted, but was ended before. */
export function openRunLimits(
  connection: QueueConnection,
  onError: (error: Error) => void,
  repairMs = REPAIR_MS,
): RunLimits {
  const redis = new Redis(connection);
  const queue = new Queue(RUN_QUEUE, { connection: redis, skipVersionCheck: true });
  let isClosed = false;
  const report = (error: unknown): void => {
    if (!isClosed) onError(error as Error); // a command in progress fails when the connection is closed
  };
  for (const emitter of [redis, queue]) emitter.on("error", report);
  const repair = async (): Promise<void> => {
    for (const [id, limit] of Object.entries(await redis.hgetall(LIMITS_KEY)))
      if (isCampaignId(id) && Number(limit) > 0)
        await admitRuns(redis, queue, { id, concurrency: Number(limit) });
  };
  const timer = setInterval(() => void repair().catch(report), repairMs);
  return {
    of: (campaign) => (campaign.concurrency === undefined ? UNLIMITED : admissionOf(campaign)),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearInterval(timer);
      redis.disconnect();
      await queue.close().catch(report);
    },
  };

  function admissionOf(campaign: LimitedCampaign): Admission {
    const entered = new Set<number>();
    return {
      async enter(runNumber) {
        const isAdmitted = (await evaluate(redis, ENTER, campaign, [runNumber])) === 1;
        if (isAdmitted) entered.add(runNumber);
        return isAdmitted;
      },
      handBack: (runNumber) => void entered.delete(runNumber),
      leave() {
        if (entered.size > 0) void admitRuns(redis, queue, campaign, [...entered]).catch(report);
        entered.clear();
      },
    };
  }
}

const UNLIMITED: Admission = {
  enter: () => Promise.resolve(true),
  handBack: () => undefined,
  leave: () => undefined,
};
