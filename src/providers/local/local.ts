import { availableParallelism } from "node:os";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { MongoAccess } from "../../stores/mongo.ts";
import { openStores } from "../../stores/open-stores.ts";
import { makeFolders, removeLeftovers } from "../../system/files.ts";
import { thisHost } from "../../system/host.ts";
import { isAlive } from "../../system/identity.ts";
import { removeTree } from "../../system/remove-tree.ts";
import { checkSocket } from "../../system/own-socket.ts";
import { offerRedis } from "./install-redis.ts";
import { describeLocal } from "./describe-local.ts";
import { dashboardAddress, dashboardPlace } from "./local-dashboard.ts";
import { localDirectories, socketDirectoryFor, socketFile } from "./local-paths.ts";
import { isComplete, startMissing } from "./local-processes.ts";
import { findProcesses, stopAll } from "../processes.ts";
import { existingLocal, localState, missing } from "./existing-local.ts";
import { countJobs, haltLocal, queueOf, stopRedis, stopWorkers } from "./halt-local.ts";
import { refuseIfRunningElsewhere } from "./elsewhere-data.ts";
import {
  approveHalt,
  approveRemoval,
  haltedError,
  notOnAws,
  notOnDocker,
  reporting,
  type Provider,
  type ProviderContext,
} from "../provider.ts";
import { isNothingLeft, repairLocalState } from "./repair-local.ts";
import { writeState } from "../state-file.ts";
import { withSwarmLock } from "../swarm-lock.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { LocalState } from "../swarm-state.ts";
import type { LocalStatus, Report, SwarmAccess } from "../target.ts";

/** Returns the provider for a swarm on this machine: Redis, builder, runner and dashboard as background processes. */
export function localProvider(name: string, context: ProviderContext): Provider {
  const locked = <T>(work: () => Promise<T>, signal = context.signal): Promise<T> =>
    withSwarmLock(name, work, signal);

  /** Starts the processes that are not running. @returns the new state. */
  const start = async (state: LocalState, report: Report): Promise<LocalState> => {
    const { state: directory, cache } = localDirectories(name);
    await makeFolders(cache, 0o700); // here, because otherwise a failure would only be in the workers' logs
    const isRunning = state.processes.some(isAlive);
    if (state.host === undefined && !isRunning) await refuseIfRunningElsewhere(state, directory);
    const socketDirectory = isRunning ? state.socketDirectory : socketDirectoryFor(directory);
    await makePrivate(socketDirectory);
    checkSocket(socketFile({ socketDirectory }));
    const { haltedBy: _haltedBy, jobs: _jobs, ...rest } = state;
    const started: LocalState = { ...rest, host: thisHost(), state: "running", socketDirectory };
    const save = (processes: LocalState["processes"]): Promise<void> => writeState({ ...started, processes });
    await startMissing(started, directory, save, report);
    return started;
  };

  const removeAll = async (): Promise<void> => {
    const state = await existingLocal(name);
    const directories = localDirectories(name);
    await stopWorkers(state, context);
    await stopRedis(state);
    await stopAll(findProcesses(directories.state)); // those that are not in the state file
    const places = [directories.cache, state.socketDirectory, directories.state];
    for (const place of places) await removeTree(place);
    await removeLeftovers(path.dirname(directories.state)); // of commands that were killed
  };

  /** Returns the state, repaired if necessary. */
  const repaired = async (report: Report, mongoUrl?: string): Promise<LocalState | undefined> => {
    const found = await repairLocalState(name, mongoUrl);
    if (found !== undefined) report(found.report);
    return found?.state ?? (await localState(name));
  };

  /** Offers to install a Redis if the swarm needs one and there is none. Asks before anything is locked. */
  const provideRedis = async (report: Report): Promise<void> => {
    const isRunning = findProcesses(localDirectories(name).state).some(({ role }) => role === "redis");
    if (!isRunning) await offerRedis(context, report);
  };

  /** Starts the processes that are not running, unless the swarm is halted. */
  const complete = (report: Report, signal?: AbortSignal): Promise<LocalState> =>
    locked(async () => {
      const state = await existingLocal(name);
      if (state.state === "halted") throw haltedError(name);
      const hasHost = state.host !== undefined; // an earlier version did not record the host; `start` does
      return isComplete(state) && hasHost ? state : await start(state, report);
    }, signal);

  const status = async (): Promise<LocalStatus> => {
    const state = await existingLocal(name);
    const directories = localDirectories(name);
    const processes = state.processes.map((process) => ({ ...process, alive: isAlive(process) }));
    const jobs = state.state === "halted" ? state.jobs : await countJobs(state, context);
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

  const init = (
    report: Report,
    given: number | undefined,
    mongoUrl: string | undefined,
  ): Promise<LocalState> =>
    locked(async () => {
      const known = await repaired(report, mongoUrl);
      if (known && mongoUrl !== undefined && known.mongoUrl !== mongoUrl) throw otherStore(name);
      const runners = given ?? known?.runners ?? availableParallelism();
      if (known && known.runners !== runners && known.state === "running") {
        await stopAll(known.processes.filter(({ role }) => role === "runner"));
      }
      try {
        return await start({ ...(known ?? newState(name, mongoUrl)), runners }, report);
      } catch (error) {
        if (known === undefined) await removeNew(name);
        throw error;
      }
    });

  return {
    name,
    async *init(options) {
      const mongoUrl = await options.mongoUrl?.();
      const { runners } = yield* reporting(async (report) => {
        await provideRedis(report);
        return await init(report, options.runners, mongoUrl);
      });
      yield { type: "made-here", name, runners };
    },
    connect() {
      throw nothingToConnect(name);
    },
    disconnect() {
      throw nothingToConnect(name);
    },
    deploy() {
      throw nothingToConnect(name);
    },
    scale() {
      throw notOnAws(name);
    },
    async repair({ signal } = {}) {
      if ((await localState(name)) === undefined && isNothingLeft(name))
        throw new SwarmRemoved(`the swarm ${name} was removed`);
      const { state, processes } = await status();
      const found: string[] = [];
      if (state === "halted") throw haltedError(name);
      if (state === "broken") await complete((text) => void found.push(text), signal);
      return [
        ...processes
          .filter(({ alive }) => !alive)
          .map(({ role, log }) => `the ${role} of the swarm had exited and was restarted; see ${log}`),
        ...found,
      ];
    },
    access: async (onWaiting, gone) => localAccess(await complete(onWaiting), { onWaiting, signal: gone }),
    isReady: async () => (await status()).state === "running",
    async *halt({ idle } = {}) {
      if (idle === undefined) {
        const { state, jobs } = await status();
        if (state === "halted") {
          yield { type: "already-halted", name };
          return;
        }
        await approveHalt(name, jobs, context);
      }
      await locked(() => haltLocal(name, idle === undefined ? "user" : "idleness", context, idle?.self));
      yield { type: "halted", name };
    },
    async *resume({ workers, machines } = {}) {
      if (workers !== undefined || machines !== undefined) throw notOnAws(name);
      yield* reporting(async (report) => {
        await provideRedis(report);
        await locked(async () => {
          await start((await repaired(report)) ?? missing(name), report);
        });
      });
      yield { type: "running", name };
    },
    async *remove() {
      await approveRemoval(name, (await status()).jobs, context);
      await locked(removeAll);
      yield { type: "removed", name };
    },
    forget() {
      throw notOnDocker(name);
    },
    status,
    describe: (swarm) => describeLocal(swarm as LocalStatus),
    async dashboard(signal) {
      if ((await existingLocal(name)).state === "halted") throw haltedError(name);
      return await dashboardPlace(name, signal);
    },
    accessHere: async (patience) => localAccess(await existingLocal(name), patience),
  };
}

/**
 * Recreates a state file that is damaged, or missing while processes are running.
 * @returns whether anything was repaired.
 */
export function repairLocal(name: string, report: Report): Promise<boolean> {
  return withSwarmLock(name, async () => {
    const found = await repairLocalState(name);
    if (found !== undefined) report(found.report);
    return found !== undefined;
  });
}

/**
 * Opens the queue and stores of a local swarm, even if it is not running.
 * @throws {UserError} if its MongoDB cannot be used.
 */
async function localAccess(state: LocalState, patience: Omit<MongoAccess, "url">): Promise<SwarmAccess> {
  const { builds, sources, results } = localDirectories(state.name);
  const { mongoUrl: url } = state;
  checkSocket(socketFile(state));
  const stores = await openStores(
    url === undefined ? { builds, sources, results } : { builds, sources, mongo: { url, ...patience } },
  );
  return { name: state.name, queue: queueOf(state), gone: patience.signal, ...stores };
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

function nothingToConnect(name: string): UserError {
  return new UserError(`the swarm ${name} is on this machine: nothing to connect or deploy`);
}

function otherStore(name: string): UserError {
  return new UserError(`the swarm ${name} stores its results elsewhere`, {
    hint: `remove it first: swarm-tool remove ${name}`,
  });
}

/** Removes what a failed `init` has created. */
async function removeNew(name: string): Promise<void> {
  const state = await localState(name);
  const { cache, state: directory } = localDirectories(name);
  if (state !== undefined) await stopAll(state.processes);
  const places = [cache, ...(state === undefined ? [] : [state.socketDirectory]), directory];
  for (const place of places) await removeTree(place);
}

/** Creates a folder for this user. In a shared folder for temporary files, another user may own it: see `checkSocket`. */
async function makePrivate(directory: string): Promise<void> {
  await makeFolders(directory, 0o700);
}
