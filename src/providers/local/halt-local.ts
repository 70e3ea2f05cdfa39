import path from "node:path";
import { UserError } from "../../errors.ts";
import { socketConnection, type QueueConnection } from "../../queue/names.ts";
import { isAlive } from "../../system/identity.ts";
import { lstatIfExists } from "../../system/files.ts";
import { findProcesses, stopAll } from "../processes.ts";
import type { ProviderContext } from "../provider.ts";
import { readStateIn, writeState } from "../state-file.ts";
import type { LocalState } from "../swarm-state.ts";
import type { JobCounts } from "../target.ts";
import { existingLocal } from "./existing-local.ts";
import { localDirectories, socketFile } from "./local-paths.ts";

const STOP_WITHOUT_REDIS_MS = 2000;

type LocalContext = Pick<ProviderContext, "countJobs" | "endSimulations">;

/**
 * Stops the processes of a local swarm and notes that it is halted.
 * @param except pid of the calling process, which exits by itself.
 */
export async function haltLocal(
  name: string,
  by: "user" | "idleness",
  deps: LocalContext,
  except?: number,
): Promise<void> {
  const state = await existingLocal(name);
  await stopWorkers(state, deps, except);
  const jobs = (await countJobs(state, deps)) ?? state.jobs; // constant now, because no runner is left
  await stopRedis(state);
  await writeState({ ...state, state: "halted", haltedBy: by, processes: [], ...(jobs && { jobs }) });
}

/**
 * Stops the workers of a local swarm. Must be called before Redis is stopped, because they hand their jobs back to it. If
 * Redis has ended already, they are killed soon, because they would wait for it.
 */
export async function stopWorkers(state: LocalState, deps: LocalContext, except?: number): Promise<void> {
  const workers = state.processes.filter(({ role, pid }) => role !== "redis" && pid !== except);
  await stopAll(workers, hasRedis(state) ? undefined : STOP_WITHOUT_REDIS_MS);
  await deps.endSimulations(localDirectories(state.name).cache);
}

/** The folders with which a process of a local swarm was started, whatever the host is called by now. */
export interface OwnFolders {
  /** The queue's data. */
  redis: string;
  /** Contains the working trees. */
  cache: string;
}

/**
 * Stops what is still running of a swarm whose folder was deleted, and of which only the processes know. The calling
 * process exits by itself.
 * @returns whether the folder was deleted: while the queue's data is being repaired, its state file exists.
 */
export async function stopIfDeleted(
  name: string,
  { redis, cache }: OwnFolders,
  deps: Pick<LocalContext, "endSimulations">,
): Promise<boolean> {
  const state = path.dirname(redis);
  if ((await lstatIfExists(redis)) !== undefined || (await readStateIn(name, state)) !== undefined)
    return false;
  const found = findProcesses(state);
  const isRedis = ({ role }: { role: string }): boolean => role === "redis";
  await stopAll(
    found.filter((each) => !isRedis(each)),
    STOP_WITHOUT_REDIS_MS,
  );
  await deps.endSimulations(cache);
  await stopAll(found.filter(isRedis));
  return true;
}

function hasRedis({ processes }: LocalState): boolean {
  return processes.some((process) => process.role === "redis" && isAlive(process));
}

/** Stops the Redis of a local swarm. */
export function stopRedis({ processes }: LocalState): Promise<void> {
  return stopAll(processes.filter(({ role }) => role === "redis"));
}

/** Returns the connection to a local swarm's queue. */
export function queueOf(state: LocalState): QueueConnection {
  return socketConnection(socketFile(state), localDirectories(state.name).redis);
}

/** Returns the jobs in the queue; undefined if it does not answer. */
export async function countJobs(state: LocalState, deps: LocalContext): Promise<JobCounts | undefined> {
  if (!hasRedis(state)) return undefined;
  try {
    return await deps.countJobs(queueOf(state));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
