import { errorText } from "../errors.ts";
import { QueueEvents, type Queue } from "bullmq";
import type { Redis } from "ioredis";
import { runJobId } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { jsonIn } from "../system/json.ts";
import { FIELD, jobKey, queueKey } from "./bull-layout.ts";
import { unlessAborted } from "../system/unless-aborted.ts";
import { watchAttendance } from "./attendance.ts";
import type { QueueConnection } from "./names.ts";
import { readTroubles, troubleLine } from "./troubles.ts";

/** What happens to a run, as the queue tells it. */
export type RunEvent =
  | { type: "active"; runNumber: number }
  | { type: "progress"; runNumber: number; progress: unknown }
  /** Its worker is done with it; `value` is what it returned. */
  | { type: "completed"; runNumber: number; value: unknown }
  /** The job is no longer there, or BullMQ gave it up. */
  | { type: "gone"; runNumber: number; reason: string }
  /** A worker takes no jobs, in one line; told once for each such line. */
  | { type: "trouble"; line: string }
  /** Redis does not answer; nothing is lost, it goes on by itself when it does. */
  | { type: "disconnected"; reason: string }
  /** No worker is connected. */
  | { type: "unattended" }
  /** One is connected again. */
  | { type: "attended" };
type EventOfRun = Extract<RunEvent, { runNumber: number }>;

export interface FollowContext {
  queue: Queue;
  redis: Redis;
  connection: QueueConnection;
  /** Id of the last event that is of no interest. */
  position: string;
  /** Aborted when the swarm has been removed: then following fails with its reason. */
  gone?: AbortSignal | undefined;
}

/** Where a queue's stream of events stands now. */
export async function lastEventId({ queue, redis }: Pick<FollowContext, "queue" | "redis">): Promise<string> {
  const [last] = await redis.xrevrange(queueKey(queue.name, "events"), "+", "-", "COUNT", 1);
  return last?.[0] ?? "0-0";
}

/** Redis trims the stream of events, and a lost connection loses some: so all states are compared this often. */
const COMPARE_INTERVAL_MS = 30_000;
const TROUBLE_INTERVAL_MS = 5000;
const CHUNK = 1000;
/** A relay or tunnel takes connections also if there is no Redis behind it: that is no error of a connection. */
const MOST_DROPPED = 3;

/** Jobs by numbers, which the events have; there may be very many, so ids are made as they are needed. */
export interface FollowedJobs {
  open: Set<number>;
  idOf: (number: number) => string;
  /** Undefined for a job of somebody else. */
  numberOf: (id: string) => number | undefined;
}

/**
 * Follows the runs of a campaign until each has ended. Events make it fast, comparing the states makes it
 * right: every run is reported as ended exactly once.
 */
export function followRuns(
  context: FollowContext,
  campaign: string,
  runs: readonly Run[],
): Promise<ReadableStream<RunEvent>> {
  const idOf = (number: number): string => runJobId(campaign, number);
  return followJobs(context, {
    open: new Set(runs.map((run) => run.runNumber)),
    idOf,
    numberOf(id) {
      const number = Number(id.slice(campaign.length + 1));
      return id === idOf(number) ? number : undefined;
    },
  });
}

/** The same for any jobs. */
export async function followJobs(
  context: FollowContext,
  jobs: FollowedJobs,
): Promise<ReadableStream<RunEvent>> {
  const events = new QueueEvents(context.queue.name, {
    connection: context.connection,
    lastEventId: context.position,
  });
  events.on("error", () => undefined); // told below, as an event
  await unlessAborted(events.waitUntilReady(), context.gone).catch((error: unknown) => {
    void events.close();
    throw error;
  });
  let feeding: Feeding | undefined;
  return new ReadableStream<RunEvent>({
    start: (controller) => {
      feeding = feed(controller, { ...context, events, jobs });
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
  jobs: FollowedJobs;
}

function feed(
  controller: ReadableStreamDefaultController<RunEvent>,
  { events, jobs, ...context }: Feed,
): Feeding {
  const { open } = jobs;
  const tell = (event: EventOfRun): void => {
    if (!open.has(event.runNumber)) return;
    controller.enqueue(event);
    if (event.type !== "completed" && event.type !== "gone") return;
    open.delete(event.runNumber);
    if (open.size > 0) return;
    stop();
    controller.close();
  };
  const tellOf = (id: string, event: (runNumber: number) => EventOfRun): void => {
    const runNumber = jobs.numberOf(id);
    if (runNumber !== undefined) tell(event(runNumber));
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
    void compareStates({ ...context, jobs, tell, untilTaken })
      .catch(disconnected)
      .finally(() => {
        comparing = false;
        if (again && open.size > 0) compare();
      });
  };
  const timer = setInterval(compare, COMPARE_INTERVAL_MS);
  const told = new Set<string>();
  const askForTroubles = async (): Promise<void> => {
    for (const line of (await readTroubles(context.redis)).map(troubleLine)) {
      if (open.size === 0 || told.has(line)) continue;
      told.add(line);
      controller.enqueue({ type: "trouble", line });
    }
  };
  const troubles = setInterval(() => void askForTroubles().catch(disconnected), TROUBLE_INTERVAL_MS);
  const { gone } = context;
  const abandon = (): void => {
    stop();
    controller.error(gone?.reason);
  };
  let connected = true;
  const disconnected = (error: unknown): void => {
    if (connected && open.size > 0) controller.enqueue({ type: "disconnected", reason: errorText(error) });
    connected = false;
  };
  let closed = 0;
  const dropped = (): void => {
    if (++closed === MOST_DROPPED) disconnected(new Error("every connection is closed immediately"));
  };
  const reconnected = (): void => {
    connected = true;
    closed = 0;
    compare();
  };
  const attendance = watchAttendance(context.queue, (attended) => {
    if (open.size > 0) controller.enqueue({ type: attended ? "attended" : "unattended" });
  });
  const stop = (): void => {
    open.clear(); // an answer that is still under way has nobody to be told to
    goOn();
    clearInterval(timer);
    clearInterval(troubles);
    attendance.stop();
    gone?.removeEventListener("abort", abandon);
    context.redis.off("ready", reconnected).off("error", disconnected).off("close", dropped);
    void events.close();
  };
  for (const name of ["active", "progress", "completed"] as const) events.on(name, () => attendance.seen());
  events.on("active", ({ jobId }) => tellOf(jobId, (runNumber) => ({ type: "active", runNumber })));
  events.on("progress", ({ jobId, data }) =>
    tellOf(jobId, (runNumber) => ({ type: "progress", runNumber, progress: data })),
  );
  events.on("completed", ({ jobId, returnvalue }) =>
    tellOf(jobId, (runNumber) => ({ type: "completed", runNumber, value: returnvalue })),
  );
  events.on("failed", ({ jobId, failedReason: reason }) =>
    tellOf(jobId, (runNumber) => ({ type: "gone", runNumber, reason })),
  );
  events.on("removed", ({ jobId }) =>
    tellOf(jobId, (runNumber) => ({ type: "gone", runNumber, reason: "removed" })),
  );
  context.redis.on("error", disconnected).on("close", dropped).on("ready", reconnected);
  gone?.addEventListener("abort", abandon, { once: true });
  compare();
  return { stop, goOn: () => goOn() };
}

interface Comparison extends Pick<FollowContext, "queue" | "redis"> {
  jobs: FollowedJobs;
  tell: (event: EventOfRun) => void;
  untilTaken: () => Promise<void>;
}

/** Asks for the state of every run that is still open, a thousand in one call. */
async function compareStates({ queue, redis, jobs, tell, untilTaken }: Comparison): Promise<void> {
  const numbers = [...jobs.open];
  for (let start = 0; start < numbers.length; start += CHUNK) {
    await untilTaken();
    const pipeline = redis.pipeline();
    const chunk = numbers.slice(start, start + CHUNK);
    for (const number of chunk)
      pipeline.hmget(
        jobKey(queue.name, jobs.idOf(number)),
        FIELD.finishedAt,
        FIELD.value,
        FIELD.failure,
        FIELD.name,
      );
    const answers = (await pipeline.exec()) ?? [];
    chunk.forEach((runNumber, index) => {
      const [error, fields] = answers[index] ?? [];
      if (error || !Array.isArray(fields)) return;
      const [finishedOn, value, failedReason, name] = fields as (string | null)[];
      if (name === null) tell({ type: "gone", runNumber, reason: "removed" });
      else if (finishedOn === null) return;
      else if (failedReason) tell({ type: "gone", runNumber, reason: failedReason });
      else tell({ type: "completed", runNumber, value: jsonIn(value) });
    });
  }
}
