import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import { socketConnection, type QueueConnection } from "../queue/names.ts";
import type { MongoAccess } from "../results/mongo.ts";
import { openStores } from "../results/open-stores.ts";
import { isAlive } from "../system/identity.ts";
import { acquireLock } from "../system/lock.ts";
import { userId } from "../system/user.ts";
import { readDashboardFile } from "./dashboard-file.ts";
import { localDirectories, socketDirectoryFor, socketFile } from "./local-paths.ts";
import { isComplete, startMissing } from "./local-processes.ts";
import { stopAll } from "./background.ts";
import { readState, writeState, type LocalState } from "./swarm-state.ts";
import type { JobCounts, LocalStatus, LocalTarget, SwarmAccess } from "./target.ts";
import { makeFolders } from "../system/files.ts";

const LOCK_TIMEOUT_MS = 60_000;
const STOP_WITHOUT_REDIS_MS = 2000;

export interface LocalDependencies {
  countJobs: (connection: QueueConnection) => Promise<JobCounts>;
  /** Ends the simulations that a runner has left running which was killed; the runner must have ended. */
  endSimulations(directory: string): Promise<void>;
}

/** The swarm on this machine: redis-server, a builder and a runner as background processes of the user. */
export function localTarget(name: string, deps: LocalDependencies): LocalTarget {
  const directories = localDirectories(name);
  const locked = <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    withLock(directories.state, work, signal);

  const start = async (state: LocalState): Promise<void> => {
    await makeFolders(directories.cache, 0o700); // else only the workers' logs would tell that it cannot be
    await checkOwner(state.socketDirectory);
    const { haltedBy: _haltedBy, jobs: _jobs, ...rest } = state;
    await startMissing(state, directories.state, (processes) =>
      writeState({ ...rest, state: "running", processes }),
    );
  };

  const removeAll = async (): Promise<void> => {
    const state = await existing(name);
    await stopWorkers(state, deps);
    await stopRedis(state);
    const places = [directories.cache, state.socketDirectory, directories.state];
    for (const place of places) await removeIfThere(place);
  };

  /** Starts what does not run of a swarm that is not halted. */
  const complete = (signal?: AbortSignal): Promise<LocalState> =>
    locked(async () => {
      const state = await existing(name);
      if (state.state === "halted") throw halted(name);
      if (!isComplete(state)) await start(state);
      return state;
    }, signal);

  const status = async (): Promise<LocalStatus> => {
    const state = await existing(name);
    const processes = state.processes.map((process) => ({ ...process, alive: isAlive(process) }));
    const jobs = state.state === "halted" ? state.jobs : await countJobs(state, deps);
    const broken = state.state === "running" && (!isComplete(state) || jobs === undefined);
    return {
      name,
      target: "local",
      runners: state.runners,
      state: broken ? "broken" : state.state,
      processes,
      jobs,
      directories: [directories.state, directories.cache],
      dashboard: await dashboardAddress(name),
    };
  };

  return {
    init: ({ runners, mongoUrl }) =>
      locked(async () => {
        const known = await localState(name);
        if (known && mongoUrl !== undefined && known.mongoUrl !== mongoUrl) throw otherStore(name);
        if (known && known.runners !== runners && known.state === "running") {
          await stopAll(known.processes.filter(({ role }) => role === "runner"));
        }
        try {
          await start({ ...(known ?? newState(name, mongoUrl)), runners });
        } catch (error) {
          if (known === undefined && (await localState(name)) !== undefined) await removeAll();
          throw error;
        }
      }),
    async mend(signal) {
      const { state, processes } = await status();
      if (state === "halted") throw halted(name);
      if (state === "broken") await complete(signal);
      return processes
        .filter(({ alive }) => !alive)
        .map(({ role, log }) => `the ${role} of the swarm had ended and was started again; see ${log}`);
    },
    connect: async (onWaiting) => localAccess(await complete(), { onWaiting }),
    isReady: async () => (await status()).state === "running",
    halt: () => locked(() => haltLocal(name, "user", deps)),
    resume: () => locked(async () => start(await existing(name))),
    remove: () => locked(removeAll),
    status,
  };
}

/**
 * How to reach a local swarm, whether it runs or not.
 * @throws {UserError} where its MongoDB cannot be used.
 */
export async function localAccess(
  state: LocalState,
  patience: Omit<MongoAccess, "url">,
): Promise<SwarmAccess> {
  const { builds, sources, results } = localDirectories(state.name);
  const { mongoUrl: url } = state;
  const stores = await openStores(
    url === undefined ? { builds, sources, results } : { builds, sources, mongo: { url, ...patience } },
  );
  return { name: state.name, queue: socketConnection(socketFile(state)), ...stores };
}

/** Without the token: whoever sees it may only look. */
async function dashboardAddress(name: string): Promise<string | undefined> {
  const file = await readDashboardFile(name);
  return file !== undefined && isAlive(file) ? `http://${file.host}:${file.port}/` : undefined;
}

/**
 * Ends the processes of a local swarm and notes that it is halted.
 * @param except a pid that ends by itself: the process that calls this.
 */
export async function haltLocal(
  name: string,
  by: "user" | "idleness",
  deps: LocalDependencies,
  except?: number,
): Promise<void> {
  const state = await existing(name);
  await stopWorkers(state, deps, except);
  const jobs = (await countJobs(state, deps)) ?? state.jobs; // no runner any more that could change it
  await stopRedis(state);
  await writeState({ ...state, state: "halted", haltedBy: by, processes: [], ...(jobs && { jobs }) });
}

/** Before the Redis that they hand their jobs back to; where it has ended they would wait for it in vain. */
async function stopWorkers(state: LocalState, deps: LocalDependencies, except?: number): Promise<void> {
  const workers = state.processes.filter(({ role, pid }) => role !== "redis" && pid !== except);
  await stopAll(workers, hasRedis(state) ? undefined : STOP_WITHOUT_REDIS_MS);
  await deps.endSimulations(localDirectories(state.name).cache);
}

/** A path that leads through a file has nothing of ours. */
async function removeIfThere(place: string): Promise<void> {
  await rm(place, { recursive: true, force: true }).catch((error: unknown) => {
    if (errorCode(error) !== "ENOTDIR") throw error;
  });
}

function hasRedis({ processes }: LocalState): boolean {
  return processes.some((process) => process.role === "redis" && isAlive(process));
}

function stopRedis({ processes }: LocalState): Promise<void> {
  return stopAll(processes.filter(({ role }) => role === "redis"));
}

/** Undefined where the queue does not answer. */
async function countJobs(state: LocalState, deps: LocalDependencies): Promise<JobCounts | undefined> {
  if (!hasRedis(state)) return undefined;
  try {
    return await deps.countJobs(socketConnection(socketFile(state)));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** For callers outside of the target: the process that halts its own swarm. */
export async function withLock<T>(
  directory: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await makeFolders(path.dirname(directory), 0o700);
  await using _ = await acquireLock(`${directory}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
  return await work();
}

function newState(name: string, mongoUrl: string | undefined): LocalState {
  return {
    format: 1,
    name,
    target: "local",
    state: "running",
    runners: 1,
    socketDirectory: socketDirectoryFor(name),
    ...(mongoUrl !== undefined && { mongoUrl }),
    processes: [],
  };
}

async function existing(name: string): Promise<LocalState> {
  const state = await localState(name);
  if (state !== undefined) return state;
  throw new UserError(`there is no swarm ${name}`, { hint: "make one with: swarm-tool init --local" });
}

function otherStore(name: string): UserError {
  return new UserError(`the swarm ${name} keeps its results elsewhere`, {
    hint: `remove it first: swarm-tool remove ${name}`,
  });
}

async function localState(name: string): Promise<LocalState | undefined> {
  const state = await readState(name);
  if (state === undefined || state.target === "local") return state;
  throw new UserError(`the swarm ${name} is not on this machine`, { hint: "choose another name" });
}

export function halted(name: string): UserError {
  return new UserError(`the swarm ${name} is halted`, { hint: `resume it with: swarm-tool resume ${name}` });
}

/** A folder for temporary files is shared with others, who could have made this one before us. */
async function checkOwner(directory: string): Promise<void> {
  await makeFolders(directory, 0o700);
  const { uid, mode } = await stat(directory);
  if (uid === userId() && (mode & 0o077) === 0) return;
  throw new UserError(`${directory} belongs to somebody else or is open to others`, {
    hint: `chmod 700 ${directory}`,
  });
}
