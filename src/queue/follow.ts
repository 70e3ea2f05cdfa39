import { errorText } from "../errors.ts";
import { QueueEvents, type Queue } from "bullmq";
import type { Redis } from "ioredis";
import { runJobId } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { chunks } from "./pipelines.ts";
import { FIELD, jobKey } from "./bull-layout.ts";
import { unlessAborted } from "../system/unless-aborted.ts";
import { watchWorkers } from "./attendance.ts";
import type { QueueConnection } from "./names.ts";
import { readStoppedWorkers, describeStoppedWorker } from "./troubles.ts";

/** What happens to the followed runs, their workers and the connection to the queue. */
export type RunEvent =
  | { type: "active"; runNumber: number }
  | { type: "progress"; runNumber: number; progress: unknown }
  /** The run's worker has finished; `value` is what it returned. */
  | { type: "completed"; runNumber: number; value: unknown }
  /** The job was removed or failed in BullMQ. */
  | { type: "gone"; runNumber: number; reason: string }
  /** A worker has stopped taking jobs; reported once for each distinct line. */
  | { type: "trouble"; line: string }
  /** Redis does not answer. Nothing is lost: following continues when it answers again. */
  | { type: "disconnected"; reason: string }
  /** No worker is connected. */
  | { type: "unattended" }
  /** A worker is connected again. */
  | { type: "attended" };
type EventOfRun = Extract<RunEvent, { runNumber: number }>;

/** The queue to follow, and the position from which to follow it. */
export interface FollowContext {
  queue: Queue;
  redis: Redis;
  connection: QueueConnection;
  /** ID of the event after which following starts. */
  position: string;
  /** Aborted when the swarm has been removed: following then fails with the signal's reason. */
  gone?: AbortSignal | undefined;
  /** Aborted when the reader leaves: the stream then ends, although runs are left. */
  left?: AbortSignal | undefined;
}

/** How often all states are compared: events may be lost when Redis trims their stream or a connection breaks. */
const COMPARE_INTERVAL_MS = 30_000;
const TROUBLE_INTERVAL_MS = 5000;
/**
 * Number of closed connections after which Redis counts as unreachable: a relay or tunnel accepts connections even if
 * Redis does not run behind it, so that connecting does not fail.
 */
const MOST_DROPPED = 3;

/** Jobs by number. There may be very many, so that IDs are computed only when needed. */
export interface FollowedJobs {
  open: Set<number>;
  idOf: (number: number) => string;
  /** Returns undefined for a job that is not followed. */
  numberOf: (id: string) => number | undefined;
}

/**
 * Streams the events of a campaign's runs until all have ended, or the reader leaves. Events are fast but may be lost; therefore, the states
 * are also compared now and then. Every run is reported as ended exactly once.
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

/** Streams the events of any jobs, as {@link followRuns} does for runs. */
export async function followJobs(
  context: FollowContext,
  jobs: FollowedJobs,
): Promise<ReadableStream<RunEvent>> {
  const events = new QueueEvents(context.queue.name, {
    connection: context.connection,
    lastEventId: context.position,
  });
  events.on("error", () => undefined); // reported below, as an event
  await unlessAborted(events.waitUntilReady(), context.gone).catch((error: unknown) => {
    void events.close();
    throw error;
  });
  let feeding: Feeding | undefined;
  return new ReadableStream<RunEvent>({
    start: (controller) => {
      feeding = feed(controller, { ...context, events, jobs });
    },
    pull: () => feeding?.resume(),
    cancel: () => feeding?.stop(),
  });
}

interface Feeding {
  /** Called when the reader has consumed what was enqueued. */
  resume(): void;
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
  const report = (event: EventOfRun): void => {
    if (!open.has(event.runNumber)) return;
    controller.enqueue(event);
    if (event.type !== "completed" && event.type !== "gone") return;
    open.delete(event.runNumber);
    if (open.size === 0) end();
  };
  const end = (): void => {
    stop();
    controller.close();
  };
  const reportJob = (id: string, event: (runNumber: number) => EventOfRun): void => {
    const runNumber = jobs.numberOf(id);
    if (runNumber !== undefined) report(event(runNumber));
  };
  let resume = (): void => undefined;
  /** Waits until the reader has consumed all events, so that not all results of very many runs are in memory together. */
  const untilConsumed = async (): Promise<void> => {
    if (open.size > 0 && (controller.desiredSize ?? 0) <= 0)
      await new Promise<void>((resolve) => (resume = resolve));
  };
  let comparing = false;
  let again = false;
  const compare = (): void => {
    again = comparing;
    if (comparing) return;
    comparing = true;
    void compareStates({ ...context, jobs, report, untilConsumed })
      .catch(disconnected)
      .finally(() => {
        comparing = false;
        if (again && open.size > 0) compare();
      });
  };
  const timer = setInterval(compare, COMPARE_INTERVAL_MS);
  const reported = new Set<string>();
  const reportTroubles = async (): Promise<void> => {
    for (const line of (await readStoppedWorkers(context.redis)).map(describeStoppedWorker)) {
      if (open.size === 0 || reported.has(line)) continue;
      reported.add(line);
      controller.enqueue({ type: "trouble", line });
    }
  };
  const troubles = setInterval(() => void reportTroubles().catch(disconnected), TROUBLE_INTERVAL_MS);
  const { gone, left } = context;
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
  const attendance = watchWorkers(context.queue, (attended) => {
    if (open.size > 0) controller.enqueue({ type: attended ? "attended" : "unattended" });
  });
  const stop = (): void => {
    open.clear(); // nothing is reported any more, even if an answer of Redis is still to come
    resume();
    clearInterval(timer);
    clearInterval(troubles);
    attendance.stop();
    gone?.removeEventListener("abort", abandon);
    left?.removeEventListener("abort", end);
    context.redis.off("ready", reconnected).off("error", disconnected).off("close", dropped);
    void events.close();
  };
  for (const name of ["active", "progress", "completed"] as const) events.on(name, () => attendance.seen());
  events.on("active", ({ jobId }) => reportJob(jobId, (runNumber) => ({ type: "active", runNumber })));
  events.on("progress", ({ jobId, data }) =>
    reportJob(jobId, (runNumber) => ({ type: "progress", runNumber, progress: data })),
  );
  events.on("completed", ({ jobId, returnvalue }) =>
    reportJob(jobId, (runNumber) => ({ type: "completed", runNumber, value: returnvalue })),
  );
  events.on("failed", ({ jobId, failedReason: reason }) =>
    reportJob(jobId, (runNumber) => ({ type: "gone", runNumber, reason })),
  );
  events.on("removed", ({ jobId }) =>
    reportJob(jobId, (runNumber) => ({ type: "gone", runNumber, reason: "removed" })),
  );
  context.redis.on("error", disconnected).on("close", dropped).on("ready", reconnected);
  gone?.addEventListener("abort", abandon, { once: true });
  left?.addEventListener("abort", end, { once: true });
  if (left?.aborted) end();
  else compare();
  return { stop, resume: () => resume() };
}

interface Comparison extends Pick<FollowContext, "queue" | "redis"> {
  jobs: FollowedJobs;
  report: (event: EventOfRun) => void;
  untilConsumed: () => Promise<void>;
}

/** Reads the states of all open jobs, a thousand at a time, and reports those that have ended. */
async function compareStates({ queue, redis, jobs, report, untilConsumed }: Comparison): Promise<void> {
  for (const chunk of chunks([...jobs.open])) {
    await untilConsumed();
    const pipeline = redis.pipeline();
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
      if (name === null) report({ type: "gone", runNumber, reason: "removed" });
      else if (finishedOn === null) return;
      else if (failedReason) report({ type: "gone", runNumber, reason: failedReason });
      else report({ type: "completed", runNumber, value: parseJsonOrUndefined(value) });
    });
  }
}
