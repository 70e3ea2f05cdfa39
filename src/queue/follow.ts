import { errorText } from "../errors.ts";
import { QueueEvents, type Queue } from "bullmq";
import type { Redis } from "ioredis";
import { runJobId } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import type { QueueConnection } from "./names.ts";

/** What happens to a run, as the queue tells it. */
export type RunEvent =
  | { type: "active"; runNumber: number }
  | { type: "progress"; runNumber: number; progress: unknown }
  /** Its worker is done with it; `value` is what it returned. */
  | { type: "completed"; runNumber: number; value: unknown }
  /** The job is no longer there, or BullMQ gave it up. */
  | { type: "gone"; runNumber: number; reason: string }
  /** Redis does not answer; nothing is lost, it goes on by itself when it does. */
  | { type: "disconnected"; reason: string };

export interface FollowContext {
  queue: Queue;
  redis: Redis;
  connection: QueueConnection;
  /** Id of the last event that is of no interest. */
  position: string;
}

/** Where a queue's stream of events stands now. */
export async function lastEventId({ queue, redis }: Pick<FollowContext, "queue" | "redis">): Promise<string> {
  const [last] = await redis.xrevrange(queue.toKey("events"), "+", "-", "COUNT", 1);
  return last?.[0] ?? "0-0";
}

/** Redis trims the stream of events, and a lost connection loses some: so all states are compared this often. */
const COMPARE_INTERVAL_MS = 30_000;
const CHUNK = 1000;

/**
 * Follows the runs of a campaign until each has ended. Events make it fast, comparing the states makes it
 * right: every run is reported as ended exactly once.
 */
export function followRuns(
  context: FollowContext,
  campaign: string,
  runs: readonly Run[],
): Promise<ReadableStream<RunEvent>> {
  return followJobs(context, new Map(runs.map((run) => [runJobId(campaign, run.runNumber), run.runNumber])));
}

/** The same for any jobs, given by id with the numbers that the events shall have. */
export async function followJobs(
  context: FollowContext,
  open: Map<string, number>,
): Promise<ReadableStream<RunEvent>> {
  const events = new QueueEvents(context.queue.name, {
    connection: context.connection,
    lastEventId: context.position,
  });
  events.on("error", () => undefined); // told below, as an event
  await events.waitUntilReady();
  let feeding: Feeding | undefined;
  return new ReadableStream<RunEvent>({
    start: (controller) => {
      feeding = feed(controller, { ...context, events, open });
    },
    pull: () => feeding?.goOn(),
    cancel: () => feeding?.stop(),
  });
}

interface Feeding {
  /** What was told has been taken. */
  goOn(): void;
  stop(): void;
}

interface Feed extends FollowContext {
  events: QueueEvents;
  open: Map<string, number>;
}

function feed(
  controller: ReadableStreamDefaultController<RunEvent>,
  { events, open, ...context }: Feed,
): Feeding {
  const tell = (id: string, event: (runNumber: number) => RunEvent): void => {
    const runNumber = open.get(id);
    if (runNumber === undefined) return;
    const told = event(runNumber);
    controller.enqueue(told);
    if (told.type !== "completed" && told.type !== "gone") return;
    open.delete(id);
    if (open.size > 0) return;
    stop();
    controller.close();
  };
  let goOn = (): void => undefined;
  /** Answers of very many runs are not to be in memory all at once. */
  const untilTaken = async (): Promise<void> => {
    if (open.size > 0 && (controller.desiredSize ?? 0) <= 0)
      await new Promise<void>((resolve) => (goOn = resolve));
  };
  let comparing = false;
  let again = false;
  const compare = (): void => {
    again = comparing;
    if (comparing) return;
    comparing = true;
    void compareStates({ ...context, open, tell, untilTaken })
      .catch(disconnected)
      .finally(() => {
        comparing = false;
        if (again && open.size > 0) compare();
      });
  };
  const timer = setInterval(compare, COMPARE_INTERVAL_MS);
  let connected = true;
  const disconnected = (error: unknown): void => {
    if (connected && open.size > 0) controller.enqueue({ type: "disconnected", reason: errorText(error) });
    connected = false;
  };
  const reconnected = (): void => {
    connected = true;
    compare();
  };
  const stop = (): void => {
    open.clear(); // an answer that is still under way has nobody to be told to
    goOn();
    clearInterval(timer);
    context.redis.off("ready", reconnected).off("error", disconnected);
    void events.close();
  };
  events.on("active", ({ jobId }) => tell(jobId, (runNumber) => ({ type: "active", runNumber })));
  events.on("progress", ({ jobId, data }) =>
    tell(jobId, (runNumber) => ({ type: "progress", runNumber, progress: data })),
  );
  events.on("completed", ({ jobId, returnvalue }) =>
    tell(jobId, (runNumber) => ({ type: "completed", runNumber, value: returnvalue })),
  );
  events.on("failed", ({ jobId, failedReason: reason }) =>
    tell(jobId, (runNumber) => ({ type: "gone", runNumber, reason })),
  );
  events.on("removed", ({ jobId }) =>
    tell(jobId, (runNumber) => ({ type: "gone", runNumber, reason: "removed" })),
  );
  context.redis.on("error", disconnected).on("ready", reconnected);
  compare();
  return { stop, goOn: () => goOn() };
}

interface Comparison extends Pick<FollowContext, "queue" | "redis"> {
  open: ReadonlyMap<string, number>;
  tell: (id: string, event: (runNumber: number) => RunEvent) => void;
  untilTaken: () => Promise<void>;
}

/** Asks for the state of every run that is still open, a thousand in one call. */
async function compareStates({ queue, redis, open, tell, untilTaken }: Comparison): Promise<void> {
  const ids = [...open.keys()];
  for (let start = 0; start < ids.length; start += CHUNK) {
    await untilTaken();
    const pipeline = redis.pipeline();
    const chunk = ids.slice(start, start + CHUNK);
    for (const id of chunk)
      pipeline.hmget(queue.toKey(id), "finishedOn", "returnvalue", "failedReason", "name");
    const answers = (await pipeline.exec()) ?? [];
    chunk.forEach((id, index) => {
      const [error, fields] = answers[index] ?? [];
      if (error || !Array.isArray(fields)) return;
      const [finishedOn, value, failedReason, name] = fields as (string | null)[];
      if (name === null) tell(id, (runNumber) => ({ type: "gone", runNumber, reason: "removed" }));
      else if (finishedOn === null) return;
      else if (failedReason) tell(id, (runNumber) => ({ type: "gone", runNumber, reason: failedReason }));
      else
        tell(id, (runNumber) => ({
          type: "completed",
          runNumber,
          value: JSON.parse(value ?? "null") as unknown,
        }));
    });
  }
}
