import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { errorText, UserError } from "../../errors.ts";
import {
  approveHalt,
  approveRemoval,
  haltedError,
  notOnAws,
  step,
  type Provider,
  type ProviderContext,
  type SwarmEvent,
  type SwarmEvents,
} from "../provider.ts";
import type { SwarmDeployer } from "../reachable-swarm.ts";
import { changeStateFile, setAsideDamaged } from "../state-file.ts";
import { swarmDirectories } from "../swarm-folders.ts";
import { eventsUnderLock, withSwarmLock } from "../swarm-lock.ts";
import type { DockerState } from "../swarm-state.ts";
import type { DockerStatus } from "../target.ts";
import { resolveEndpoint } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import {
  notComplete,
  notDeployed,
  otherDocker,
  twoDockers,
  unknownHere,
  withForgetHint,
  refuseAddresses,
} from "./docker-errors.ts";
import { asDocker, asRunning, changeState, dockerState, existing } from "./docker-state.ts";
import { openEngine } from "./engine.ts";
import { lockChanges } from "./change-lock.ts";
import { removeBuiltImages } from "./build.ts";
import { describeSwarm } from "./describe.ts";
import { describeDocker } from "./describe-docker.ts";
import { forwardedDashboard } from "./forwarded-dashboard.ts";
import { reachable } from "./reachable.ts";
import { isRelaying, startRelay, stopRelay } from "./relay-process.ts";
import { removeSecrets } from "./secrets.ts";
import type { Services } from "../services.ts";
import { checkStack, removeStack, stackOf } from "./stack.ts";
import { noteHalted, readDeployed } from "./swarm-settings.ts";
import { awaitRunners } from "./unconnected.ts";

const NO_SERVICES: Services = { images: {}, build: {} };
/** Maximum length of a swarm's name: Docker limits the names of its services to 63 characters. */
const NAME_LIMIT = 40;

/** Returns the provider for a swarm on an existing Docker Swarm. */
export function dockerProvider(name: string, context: ProviderContext, deployer: SwarmDeployer): Provider {
  const { signal } = context;
  const locked = <T>(work: () => Promise<T>): Promise<T> => withSwarmLock(name, work, signal);
  const eventsLocked = (work: () => SwarmEvents): SwarmEvents => eventsUnderLock(name, work, signal);

  /** Calls a function while no other process, on any machine, changes the swarm. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> =>
    locked(async () => {
      const { docker } = await existing(name);
      await using _ = await lockChanges(docker, stackOf(name), signal);
      return await work();
    });
  /** Executes an operation that yields events while no other process, on any machine, changes the swarm. */
  const eventsExclusively = (work: () => SwarmEvents): SwarmEvents =>
    eventsLocked(async function* () {
      const { docker } = await existing(name);
      await using _ = await lockChanges(docker, stackOf(name), signal);
      yield* work();
    });

  /** Deploys the services of the state file. If that fails, the earlier services are restored in it. */
  const deploy = async function* (before?: Services): SwarmEvents {
    try {
      for await (const text of deployer.deploy(reachable(await existing(name)), signal)) yield step(text);
    } catch (error) {
      if (before !== undefined) await changeState(name, (state) => withSettings(state, before));
      throw error;
    }
    await connected(name);
    yield* awaitRunners(reachable(await changeState(name, asRunning)), deployer, signal);
  };

  /** Uses a swarm that another user has deployed, unchanged. */
  const join = async function* (halted: boolean): SwarmEvents {
    const { docker } = await existing(name);
    await checkStack(await openEngine(docker, signal), stackOf(name), signal);
    await connected(name);
    await changeState(name, (state) => ({ ...state, state: halted ? "halted" : "running" }));
    yield step(`using the swarm ${name} that is already deployed there, unchanged`);
  };

  /** Updates the state file from the swarm itself, which others may have changed. The caller holds the swarm's lock. */
  const syncState = async (): Promise<DockerState> => {
    const now = await deployedState(name, signal);
    return await changeState(name, (state) => ({ ...withSettings(state, now.services), state: now.state }));
  };

  const init = async function* (
    given: DockerEndpoint,
    change: (services: Services) => Services,
  ): SwarmEvents {
    checkName(name);
    const docker = await resolveEndpoint(given);
    await setAsideDamaged(name);
    const known = await dockerState(name);
    if (known !== undefined && !isSame(known.docker, docker)) throw otherDocker(known);
    await openEngine(docker, signal); // before the state file is written, so that an error leaves none
    await using _ = await lockChanges(docker, stackOf(name), signal);
    const deployed = await readDeployed(docker, stackOf(name), signal);
    const before = { ...(known?.services ?? NO_SERVICES), ...deployed?.settings };
    const services = change(before);
    await changeStateFile(name, (state) => ({
      ...(asDocker(name, state) ?? newState(name, docker)),
      services,
    }));
    if (known === undefined && deployed !== undefined && isDeepStrictEqual(services, before))
      yield* join(deployed.halted);
    else yield* deploy(deployed && before);
  };

  /** Stops the runners before it writes the state file, because the disk may be full. Needs no relay. */
  const halt = async function* (): SwarmEvents {
    const { docker, services } = await deployedState(name, signal);
    const problem = await connected(name).then(
      () => undefined,
      (error: unknown) => errorText(error),
    );
    const jobs = await deployer.removeRunners(reachable(await existing(name)), signal);
    await noteHalted(docker, stackOf(name), signal);
    if (jobs === undefined && problem !== undefined)
      yield { type: "warning", text: `cannot count the jobs of the swarm ${name}: ${problem}` };
    await changeState(name, (state) => ({
      ...withSettings(state, services),
      state: "halted",
      haltedBy: "user",
      ...(jobs && { jobs }),
    }));
  };

  const repair = async ({ askSwarm = false } = {}): Promise<string[]> => {
    if ((await dockerState(name)) === undefined) throw unknownHere(name);
    const { state, relay } = askSwarm ? await deployedState(name, signal) : await existing(name);
    if (state === "halted") throw haltedError(name);
    if (isRelaying(relay)) return [];
    await locked(() => connected(name));
    return ["the relay to the swarm had stopped and was restarted"];
  };

  const status = async (): Promise<DockerStatus> =>
    describeSwarm(await deployedState(name, signal), deployer, signal);

  const reachableEvent = async (): Promise<SwarmEvent> => {
    const port = (await status()).ports?.["visualizer"];
    return { type: "reachable", name, ...(port !== undefined && { visualizerPort: port }) };
  };

  return {
    name,
    async *init(options) {
      const endpoint = options.docker ?? {};
      if (endpoint.host !== undefined && endpoint.context !== undefined) throw twoDockers();
      const change = await options.services();
      yield* eventsLocked(() => init(endpoint, change));
      yield await reachableEvent();
      yield { type: "made", name };
    },
    async *deploy(services) {
      const change = await services();
      yield* eventsExclusively(async function* () {
        const { state, services: before } = await syncState();
        if (state === "halted") throw haltedError(name);
        await changeState(name, (now) => ({ ...now, services: change(now.services) }));
        yield* deploy(state === "creating" ? undefined : before);
      });
      yield { type: "deployed", name };
    },
    async *connect({ sshCidr } = {}) {
      await (sshCidr === undefined ? existing(name) : refuseAddresses(name)); // if there is none, this error fits better than that of `repair`
      await repair();
      yield await reachableEvent();
    },
    async *disconnect() {
      const wasConnected = await locked(async () => {
        const { relay } = await existing(name);
        const isOpen = isRelaying(relay);
        await stopRelay(relay);
        await changeState(name, ({ relay: _, ...state }) => state);
        return isOpen;
      });
      yield { type: "disconnected", name, wasConnected };
    },
    async *halt() {
      const before = await status();
      if (before.state === "halted") {
        yield { type: "already-halted", name };
        return;
      }
      await approveHalt(name, before.jobs, context);
      yield* eventsExclusively(halt);
      yield { type: "halted", name };
    },
    async *resume({ workers, machines } = {}) {
      if (workers !== undefined || machines !== undefined) throw notOnAws(name);
      yield* eventsExclusively(async function* () {
        await syncState();
        yield* deploy();
      });
      yield { type: "running", name };
    },
    scale() {
      throw notOnAws(name);
    },
    async *remove() {
      const { jobs } = await status().catch((error: unknown) => {
        throw error instanceof UserError ? withForgetHint(name, error) : error;
      });
      await approveRemoval(name, jobs, context);
      await exclusively(async () => {
        const { docker, relay } = await existing(name);
        await stopRelay(relay);
        await removeStack(docker, stackOf(name), signal);
        await removeSecrets(docker, stackOf(name), signal);
        await removeBuiltImages(docker, signal);
        await removeDirectories(name);
      });
      yield { type: "removed", name };
    },
    async *forget() {
      await locked(async () => {
        await stopRelay((await existing(name)).relay);
        await removeDirectories(name);
      });
      yield { type: "forgotten", name };
    },
    status,
    describe: (swarm) => describeDocker(swarm as DockerStatus),
    async isReady() {
      const { state, relay } = await existing(name);
      return state === "running" && isRelaying(relay);
    },
    isHalted: async () => (await deployedState(name, signal)).state === "halted",
    repair,
    async access(onWaiting, gone) {
      const state = await existing(name);
      if (state.state === "creating") throw notComplete(name);
      const withRelay = isRelaying(state.relay) ? state : await locked(() => connected(name));
      return await deployer.access(reachable(withRelay), onWaiting, gone);
    },
    dashboard: async () => forwardedDashboard(reachable(await existing(name))),
  };
}

async function removeDirectories(name: string): Promise<void> {
  const { state, cache } = swarmDirectories(name);
  for (const place of [cache, state]) await rm(place, { recursive: true, force: true });
}

/** Starts the relay if it is not running, and returns the state. The caller holds the swarm's lock. */
async function connected(name: string): Promise<DockerState> {
  const state = await existing(name);
  if (isRelaying(state.relay)) return state;
  const relay = await startRelay(name, state.relay);
  return await changeState(name, (now) => ({ ...now, relay }));
}

/**
 * Returns the state, updated from the swarm itself: other users may have halted it, or deployed it with other settings.
 * @throws {UserError} if the swarm is no longer deployed.
 */
async function deployedState(name: string, signal: AbortSignal | undefined): Promise<DockerState> {
  const state = await existing(name);
  if (state.state === "creating") return state;
  const deployed = await readDeployed(state.docker, stackOf(name), signal);
  if (deployed === undefined) throw notDeployed(state);
  const { settings, halted } = deployed;
  if (settings === undefined) return state;
  return { ...withSettings(state, settings), state: halted ? "halted" : "running" };
}

/** Replaces all settings of the services, including those that are no longer set, except the passwords. */
function withSettings(state: DockerState, settings: Omit<Services, "passwords">): DockerState {
  const { passwords } = state.services;
  return { ...state, services: { ...settings, ...(passwords && { passwords }) } };
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
