import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../errors.ts";
import { withLock } from "../local.ts";
import type { ReachableSwarm, SwarmDeployer } from "../reachable-swarm.ts";
import { changeStateFile, readState, setAsideDamaged } from "../state-file.ts";
import { swarmDirectories } from "../swarm-folders.ts";
import type { DockerState, SwarmState } from "../swarm-state.ts";
import type { DockerStatus, Target } from "../target.ts";
import { describeEndpoint, resolveEndpoint, type DockerEndpoint } from "./cli.ts";
import { openEngine } from "./engine.ts";
import { removeBuiltImages } from "./build.ts";
import { isRelaying, startRelay, stopRelay } from "./relay-process.ts";
import { removeSecrets } from "./secrets.ts";
import type { Services } from "./services.ts";
import { checkStack, listServices, removeStack, stackOf } from "./stack.ts";

export interface DockerTarget extends Target {
  /** Makes the swarm's services, or brings them up to date. */
  init(docker: DockerEndpoint, change: (services: Services) => Services): Promise<void>;
  /** The same for a swarm that is there. */
  deploy(change: (services: Services) => Services): Promise<void>;
  /** Removes what is known of it here; what is on its Docker stays. */
  forget(): Promise<void>;
  /** Ends the relay; the swarm runs on. */
  disconnect(): Promise<boolean>;
  status(): Promise<DockerStatus>;
}

const NOTHING_SAID: Services = { images: {}, build: {} };
/** Docker refuses names of services with more than 63 characters. */
const NAME_LIMIT = 40;

/**
 * The swarm on a Docker Swarm that somebody has made.
 * @param say is told what takes time.
 */
export function dockerTarget(
  name: string,
  deployer: SwarmDeployer,
  say: (text: string) => void,
  signal?: AbortSignal,
): DockerTarget {
  const locked = <T>(work: () => Promise<T>): Promise<T> =>
    withLock(swarmDirectories(name).state, work, signal);

  const deploy = async (): Promise<void> => {
    for await (const text of deployer.deploy(reachable(await existing(name)), signal)) say(text);
    await connected(name);
    await changeState(name, ({ haltedBy: _haltedBy, jobs: _jobs, ...state }) => ({
      ...state,
      state: "running",
    }));
  };

  /** Uses what somebody else has deployed, as it is. */
  const join = async (now: "running" | "halted"): Promise<void> => {
    const { docker } = await existing(name);
    await checkStack(await openEngine(docker, signal), stackOf(name), signal);
    await connected(name);
    await changeState(name, (state) => ({ ...state, state: now }));
    say(`there is a swarm ${name} already: using it as it is; swarm-tool deploy brings it up to date`);
  };

  return {
    init: (given, change) =>
      locked(async () => {
        checkName(name);
        const docker = await resolveEndpoint(given);
        await setAsideDamaged(name);
        const known = await dockerState(name);
        if (known !== undefined && !isSame(known.docker, docker)) throw otherDocker(known);
        await openEngine(docker, signal); // before anything is written down
        const services = change(known?.services ?? NOTHING_SAID);
        const there = await listServices(docker, stackOf(name), signal);
        await changeStateFile(name, (state) => ({
          ...(asDocker(name, state) ?? newState(name, docker)),
          services,
        }));
        if (known === undefined && there.length > 0 && isDeepStrictEqual(services, NOTHING_SAID)) {
          await join(there.some(({ name: service }) => service === "runner") ? "running" : "halted");
        } else await deploy();
      }),
    deploy: (change) =>
      locked(async () => {
        if ((await existing(name)).state === "halted") throw halted(name);
        await changeState(name, (state) => ({ ...state, services: change(state.services) }));
        await deploy();
      }),
    async isReady() {
      const { state, relay } = await existing(name);
      return state === "running" && isRelaying(relay);
    },
    async mend() {
      const { state, relay } = await existing(name);
      if (state === "halted") throw halted(name);
      if (isRelaying(relay)) return [];
      await locked(() => connected(name));
      return ["the relay to the swarm had ended and was started again"];
    },
    async connect(onWaiting) {
      const state = await existing(name);
      if (state.state === "creating") throw notComplete(name);
      const open = isRelaying(state.relay) ? state : await locked(() => connected(name));
      return await deployer.access(reachable(open), onWaiting);
    },
    disconnect: () =>
      locked(async () => {
        const { relay } = await existing(name);
        const was = isRelaying(relay);
        await stopRelay(relay);
        await changeState(name, ({ relay: _, ...state }) => state);
        return was;
      }),
    halt: () =>
      locked(async () => {
        const state = await connected(name);
        const jobs = await deployer.withdraw(reachable(state), signal);
        await changeState(name, (now) => ({
          ...now,
          state: "halted",
          haltedBy: "user",
          ...(jobs && { jobs }),
        }));
      }),
    resume: () => locked(deploy),
    remove: () =>
      locked(async () => {
        const { docker, relay } = await existing(name);
        await stopRelay(relay);
        await removeStack(docker, stackOf(name), signal);
        await removeSecrets(docker, stackOf(name), signal);
        await removeBuiltImages(docker, signal);
        await removeDirectories(name);
      }),
    forget: () =>
      locked(async () => {
        await stopRelay((await existing(name)).relay);
        await removeDirectories(name);
      }),
    status: async () => describeSwarm(await existing(name), deployer, signal),
  };
}

async function describeSwarm(
  state: DockerState,
  deployer: SwarmDeployer,
  signal: AbortSignal | undefined,
): Promise<DockerStatus> {
  const stack = stackOf(state.name);
  const [engine, services, jobs] = await Promise.all([
    openEngine(state.docker, signal),
    listServices(state.docker, stack, signal),
    isRelaying(state.relay) ? deployer.countJobs(reachable(state)) : undefined,
  ]);
  const complete =
    services.length > 0 &&
    isRelaying(state.relay) &&
    services.every(({ running, desired }) => running >= desired);
  return {
    name: state.name,
    target: "docker",
    state: state.state === "running" && !(complete && jobs !== undefined) ? "broken" : state.state,
    jobs: jobs ?? state.jobs,
    docker: describeEndpoint(state.docker),
    stack,
    machines: engine.nodes,
    services,
    ports: isRelaying(state.relay) ? state.relay.ports : undefined,
  };
}

async function removeDirectories(name: string): Promise<void> {
  const { state, cache } = swarmDirectories(name);
  for (const place of [cache, state]) await rm(place, { recursive: true, force: true });
}

/** With the relay running. Under the swarm's lock. */
async function connected(name: string): Promise<DockerState> {
  const state = await existing(name);
  if (isRelaying(state.relay)) return state;
  const relay = await startRelay(name, state.relay);
  return await changeState(name, (now) => ({ ...now, relay }));
}

async function changeState(name: string, change: (state: DockerState) => DockerState): Promise<DockerState> {
  return (await changeStateFile(name, (state) => change(asDocker(name, state) ?? missing(name))))!;
}

export function reachable({ name, docker, relay }: DockerState): ReachableSwarm {
  return { name, docker, isOurs: false, ports: isRelaying(relay) ? relay.ports : {} };
}

async function existing(name: string): Promise<DockerState> {
  const state = await dockerState(name);
  return state ?? missing(name);
}

function missing(name: string): never {
  throw new UserError(`there is no swarm ${name}`, { hint: "make one with: swarm-tool init --docker" });
}

async function dockerState(name: string): Promise<DockerState | undefined> {
  return asDocker(name, await readState(name));
}

function asDocker(name: string, state: SwarmState | undefined): DockerState | undefined {
  if (state === undefined || state.target === "docker") return state;
  throw new UserError(`the swarm ${name} is not on a Docker Swarm of yours`, { hint: "choose another name" });
}

function newState(name: string, docker: DockerEndpoint): Omit<DockerState, "services"> {
  return { format: 1, name, target: "docker", state: "creating", docker };
}

function isSame(a: DockerEndpoint, b: DockerEndpoint): boolean {
  return a.host === b.host && a.context === b.context;
}

function checkName(name: string): void {
  if (name.length <= NAME_LIMIT) return;
  throw new UserError(`${JSON.stringify(name)} is too long for the name of a swarm on Docker`, {
    hint: `use at most ${NAME_LIMIT} characters`,
  });
}

function otherDocker({ name, docker }: DockerState): UserError {
  return new UserError(`the swarm ${name} is on another Docker: ${describeEndpoint(docker)}`, {
    hint: `choose another name: swarm-tool init NAME --docker; or remove that one: swarm-tool remove ${name}`,
  });
}

function halted(name: string): UserError {
  return new UserError(`the swarm ${name} is halted`, { hint: `resume it with: swarm-tool resume ${name}` });
}

function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool deploy ${name}`,
  });
}
