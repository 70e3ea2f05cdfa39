import type { IRedisClient } from "bullmq";
import type { Redis } from "ioredis";
import { askQueue } from "./ask-queue.ts";
import { workerConnections } from "./bull-layout.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "./names.ts";
import { parseWorkerName } from "./worker-name.ts";

/** A worker that is connected to the queue. */
export interface ConnectedWorker {
  role: "runner" | "builder";
  host: string;
  /** Number of jobs that it executes concurrently; undefined if it does not say so. */
  slots: number | undefined;
}

/** Returns the machines whose runners are connected to a queue; undefined if Redis does not tell. @throws {UserError} */
export async function connectedRunners(connection: QueueConnection): Promise<string[] | undefined> {
  const workers = await askQueue(connection, readWorkers);
  return workers?.filter(({ role }) => role === "runner").map(({ host }) => host);
}

/** Returns the workers that are connected to a queue; undefined if Redis does not tell. */
export async function readWorkers(redis: Redis): Promise<ConnectedWorker[] | undefined> {
  return await workersUnlessRefused(redis.client("LIST"));
}

async function workersUnlessRefused(answer: Promise<unknown>): Promise<ConnectedWorker[] | undefined> {
  let list: unknown;
  try {
    list = await answer;
  } catch (error) {
    if (/^(NOPERM|ERR)/.test((error as Error).message)) return undefined; // a hosted Redis may refuse the command
    throw error;
  }
  return workersIn(String(list));
}

const ROLES = [
  { role: "runner", prefix: workerConnections(RUN_QUEUE) },
  { role: "builder", prefix: workerConnections(BUILD_QUEUE) },
] as const;

/** Returns the workers in Redis's list of connections: each has one with its name, on which it waits for jobs. */
function workersIn(list: string): ConnectedWorker[] {
  return [...list.matchAll(/ name=(\S+)/g)].flatMap(([, name = ""]) => {
    const found = ROLES.find(({ prefix }) => name.startsWith(prefix));
    const worker = found && parseWorkerName(name.slice(found.prefix.length));
    return worker === undefined ? [] : [{ role: found!.role, host: worker.host, slots: worker.slots }];
  });
}

/** Returns how many jobs all runners together execute concurrently; undefined if that is not known. */
export async function countRunnerSlots(redis: Pick<IRedisClient, "clientList">): Promise<number | undefined> {
  const workers = (await workersUnlessRefused(redis.clientList())) ?? [];
  const runners = workers.filter(({ role }) => role === "runner");
  const slots = runners.reduce((sum, runner) => sum + (runner.slots ?? NaN), 0);
  return slots > 0 ? slots : undefined;
}
