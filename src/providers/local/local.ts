import path from "node:path";
import { UserError } from "../../errors.ts";
import { socketConnection, type QueueConnection } from "../../queue/names.ts";
import type { MongoAccess } from "../../stores/mongo.ts";
import { openStores } from "../../stores/open-stores.ts";
import { makeFolders, removeLeftovers } from "../../system/files.ts";
import { thisHost } from "../../system/host.ts";
import { isAlive } from "../../system/identity.ts";
import { acquireLock } from "../../system/lock.ts";
import { removeTree } from "../../system/remove-tree.ts";
import { checkSocket } from "../../system/own-socket.ts";
import { readDashboardFile } from "../dashboard-file.ts";
import { localDirectories, socketDirectoryFor, socketFile } from "./local-paths.ts";
import { isComplete, startMissing } from "./local-processes.ts";
import { stopAll } from "../background.ts";
import { findProcesses } from "./found-processes.ts";
import { refuseIfWritten } from "./elsewhere-data.ts";
import { isNothingLeft, repairLocalState } from "./repair-local.ts";
import { readState, writeState } from "../state-file.ts";
import { swarmDirectories } from "../swarm-folders.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { LocalState } from "../swarm-state.ts";
import type { JobCounts, LocalStatus, LocalTarget, Report, SwarmAccess } from "../target.ts";

const LOCK_TIMEOUT_MS = 60_000;
const STOP_WITHOUT_REDIS_MS = 2000;

export interface LocalDependencies {
  countJobs: (connection: QueueConnection) => Promise<JobCounts>;
  /** Ends the simulations that a runner has left running which was killed; the runner must have ended. */
  endSimulations(directory: string): Promise<void>;
}

/** The swarm on this machine: redis-server, a builder and a runner as background processes of the user. */
export function localTarget(name: string, deps: LocalDependencies): LocalTarget {
  const locked = <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    withSwarmLock(name, work, signal);

  /** Starts what does not run. @returns the state with which it does. */
  const start = async (state: LocalState, report: Report): Promise<LocalState> => {
    const { state: directory, cache } = localDirectories(name);
    await makeFolders(cache, 0o700); // else only the workers' logs would tell that it cannot be
    const isReached = state.processes.some(isAlive);
    if (state.host === undefined && !isReached) await refuseIfWritten(state, directory);
    const socketDirectory = isReached ? state.socketDirectory : socketDirectoryFor(directory);
    await makePrivate(socketDirectory);
    checkSocket(socketFile({ socketDirectory }));
    const { haltedBy: _haltedBy, jobs: _jobs, ...rest } = state;
    const started: LocalState = { ...rest, host: thisHost(), state: "running", socketDirectory };
    const save = (processes: LocalState["processes"]): Promise<void> => writeState({ ...started, processes });
    await startMissing(started, directory, save, report);
    return started;
  };

  const removeAll = async (): Promise<void> => {
    const state = await existing(name);
    const directories = localDirectories(name);
    await stopWorkers(state, deps);
    await stopRedis(state);
    await stopAll(findProcesses(directories.state)); // which the state does not know of
    const places = [directories.cache, state.socketDirectory, directories.state];
    for (const place of places) await removeTree(place);
    await removeLeftovers(path.dirname(directories.state)); // of commands that were killed
  };

  /** The state as it is, or as it can be found out. */
  const repaired = async (report: Report, mongoUrl?: string): Promise<LocalState | undefined> => {
    const found = await repairLocalState(name, mongoUrl);
    if (found !== undefined) report(found.report);
    return found?.state ?? (await localState(name));
  };

  /** Starts what does not run of a swarm that is not halted. */
  const complete = (report: Report, signal?: AbortSignal): Promise<LocalState> =>
    locked(async () => {
      const state = await existing(name);
      if (state.state === "halted") throw halted(name);
      const isKnown = state.host !== undefined; // else an earlier version started it: from now on its host is recorded
      return isComplete(state) && isKnown ? state : await start(state, report);
    }, signal);

  const status = async (): Promise<LocalStatus> => {
    const state = await existing(name);
    const directories = localDirectories(name);
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
    init: ({ runners, mongoUrl }, report = () => undefined) =>
      locked(async () => {
        const known = await repaired(report, mongoUrl);
        if (known && mongoUrl !== undefined && known.mongoUrl !== mongoUrl) throw otherStore(name);
        if (known && known.runners !== runners && known.state === "running") {
          await stopAll(known.processes.filter(({ role }) => role === "runner"));
        }
        try {
          await start({ ...(known ?? newState(name, mongoUrl)), runners }, report);
        } catch (error) {
          if (known === undefined) await removeNew(name);
          throw error;
        }
      }),
    async mend({ signal } = {}) {
      if ((await localState(name)) === undefined && isNothingLeft(name))
        throw new SwarmRemoved(`the swarm ${name} was removed`);
      const { state, processes } = await status();
      const found: string[] = [];
      if (state === "halted") throw halted(name);
      if (state === "broken") await complete((text) => void found.push(text), signal);
      return [
        ...processes
          .filter(({ alive }) => !alive)
          .map(({ role, log }) => `the ${role} of the swarm had exited and was restarted; see ${log}`),
        ...found,
      ];
    },
    connect: async (onWaiting, gone) => localAccess(await complete(onWaiting), { onWaiting, signal: gone }),
    isReady: async () => (await status()).state === "running",
    halt: () => locked(() => haltLocal(name, "user", deps)),
    resume: (report = () => undefined) =>
      locked(async () => {
        await start((await repaired(report)) ?? missing(name), report);
      }),
    repair: (report) =>
      locked(async () => {
        const found = await repairLocalState(name);
        if (found !== undefined) report(found.report);
        return found !== undefined;
      }),
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
  checkSocket(socketFile(state));
  const stores = await openStores(
    url === undefined ? { builds, sources, results } : { builds, sources, mongo: { url, ...patience } },
  );
  return { name: state.name, queue: queueOf(state), gone: patience.signal, ...stores };
}

/** Without the token: whoever sees it may only look. */
async function dashboardAddress(name: string): Promise<string | undefined> {
  const file = await readDashboardFile(name);
  return file !== undefined && isAlive(file) ? `http://${file.loopback}:${file.port}/` : undefined;
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

function hasRedis({ processes }: LocalState): boolean {
  return processes.some((process) => process.role === "redis" && isAlive(process));
}

function stopRedis({ processes }: LocalState): Promise<void> {
  return stopAll(processes.filter(({ role }) => role === "redis"));
}

function queueOf(state: LocalState): QueueConnection {
  return socketConnection(socketFile(state), localDirectories(state.name).redis);
}

/** Undefined where the queue does not answer. */
async function countJobs(state: LocalState, deps: LocalDependencies): Promise<JobCounts | undefined> {
  if (!hasRedis(state)) return undefined;
  try {
    return await deps.countJobs(queueOf(state));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/**
 * One command at a time changes a local swarm. Until the lock is had, another machine may have made a swarm of this name:
 * then this host's folder is another.
 */
export async function withSwarmLock<T>(
  name: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    const { state: directory } = swarmDirectories(name);
    const done = await withLock(
      directory,
      async () => (swarmDirectories(name).state === directory ? { result: await work() } : undefined),
      signal,
    );
    if (done !== undefined) return done.result;
  }
}

/** One command at a time changes what is in a directory. */
export async function withLock<T>(
  directory: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await makeFolders(path.dirname(directory), 0o700);
  const options = { timeoutMs: LOCK_TIMEOUT_MS, signal, ignoreFullDisk: true }; // else a swarm on it could not be removed
  await using _ = await acquireLock(`${directory}.lock`, options);
  return await work();
}

function newState(name: string, mongoUrl: string | undefined): LocalState {
  return {
    format: 1,
    name,
    target: "local",
    state: "running",
    runners: 1,
    host: thisHost(),
    socketDirectory: socketDirectoryFor(localDirectories(name).state),
    ...(mongoUrl !== undefined && { mongoUrl }),
    processes: [],
  };
}

async function existing(name: string): Promise<LocalState> {
  const state = await localState(name);
  return state ?? missing(name);
}

function missing(name: string): never {
  throw new UserError(`no swarm named ${name}`, { hint: "create one with: swarm-tool init --local" });
}

function otherStore(name: string): UserError {
  return new UserError(`the swarm ${name} stores its results elsewhere`, {
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

/** What an `init` has made that did not succeed. */
async function removeNew(name: string): Promise<void> {
  const state = await localState(name);
  const { cache, state: directory } = localDirectories(name);
  if (state !== undefined) await stopAll(state.processes);
  const places = [cache, ...(state === undefined ? [] : [state.socketDirectory]), directory];
  for (const place of places) await removeTree(place);
}

/** A folder for temporary files is shared with others, who could have made this one before us: `checkSocket` looks. */
async function makePrivate(directory: string): Promise<void> {
  await makeFolders(directory, 0o700);
}
