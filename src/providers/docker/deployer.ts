import type { QueueConnection } from "../../queue/names.ts";
import { openStores } from "../../stores/open-stores.ts";
import { UserError } from "../../errors.ts";
import { attempts } from "../../system/poll.ts";
import { localDirectories } from "../local/local-paths.ts";
import type { ReachableSwarm, SwarmDeployer } from "../reachable-swarm.ts";
import { changeStateFile, readState } from "../state-file.ts";
import type { SwarmState } from "../swarm-state.ts";
import type { JobCounts } from "../target.ts";
import { removeBuiltImages, removeEndedContainers } from "./build.ts";
import { hostOf } from "./cli.ts";
import { openEngine, type Engine } from "./engine.ts";
import { omnetppImage } from "./images.ts";
import { observeStack } from "./observe.ts";
import { provideImages } from "./provide-images.ts";
import { ensureSecrets, mongoUrl, readPasswords } from "./secrets.ts";
import type { Passwords, Services } from "../services.ts";
import { describeUnconnected, isOverdue, unconnectedOf } from "./unconnected.ts";
import { waitUntilStable } from "./wait-until-stable.ts";
import { checkStack, containerOf, deployStack, removeServices, stackOf, WORKING_SERVICES } from "./stack.ts";
import { encodeSettings, noteDeployed, readDeployed } from "./swarm-settings.ts";

export interface DeployerDependencies {
  countJobs: (connection: QueueConnection) => Promise<JobCounts>;
  connectedRunners: (connection: QueueConnection) => Promise<string[] | undefined>;
}

const HAND_BACK_TIMEOUT_MS = 30_000;
/** Time after which the lock of a lost runner on its run has expired. */
const LOCK_TIMEOUT_MS = 35_000;
const POLL_MS = 500;
const DOCKER_SOCKET = "/var/run/docker.sock";
const NO_SERVICES: Services = { images: {}, build: {} };

/** Returns the deployer of services on a Docker Swarm. */
export function dockerDeployer({ countJobs, connectedRunners }: DeployerDependencies): SwarmDeployer {
  return {
    async *deploy(swarm, signal) {
      const engine = await openEngine(swarm.docker, signal);
      await checkStack(engine, stackOf(swarm.name), signal);
      const services = await servicesOf(swarm.name);
      const { images, files } = yield* provideImages(swarm, engine, services, signal);
      await keepPasswords(swarm, engine, services, signal);
      yield "deploying the services";
      const stack = stackOf(swarm.name);
      const earlier = await readDeployed(swarm.docker, stack, signal);
      const request = {
        stack,
        images,
        runners: services.runners,
        workers: swarm.workers,
        dockerSocket: await socketOnManager(swarm),
        ...(earlier?.settings && { settings: encodeSettings(earlier.settings) }),
      };
      const before = await observeStack(swarm.docker, engine.nodes, stack, signal);
      await deployStack(engine, request, files, signal);
      yield* waitUntilStable(engine, stack, before, signal);
      await noteDeployed(swarm.docker, stack, services, signal);
      const used = [...Object.values(images), await omnetppImage(services.build)];
      await removeEndedContainers(swarm.docker, stack, signal); // they keep images in use
      await removeBuiltImages(swarm.docker, signal, used); // images of earlier versions
    },
    async removeRunners(swarm, signal) {
      await removeServices(swarm.docker, stackOf(swarm.name), WORKING_SERVICES, signal);
      const jobs = await untilHandedBack(() => this.countJobs(swarm), signal);
      if ((jobs?.running ?? 0) === 0) return jobs;
      // Runs that are left belong to machines that are disconnected.
      const { releaseStalled } = await import("../../queue/release-stalled.ts");
      await releaseStalled(queueOf(swarm, await passwordsOf(swarm)), LOCK_TIMEOUT_MS);
      return await this.countJobs(swarm);
    },
    async access(swarm, onWaiting, gone) {
      const passwords = await passwordsOf(swarm);
      const url = mongoUrl(passwords.mongo, "127.0.0.1", portOf(swarm, "mongo"));
      const { builds } = localDirectories(swarm.name);
      const stores = await openStores({ builds, mongo: { url, onWaiting, signal: gone } });
      return { name: swarm.name, queue: queueOf(swarm, passwords), gone, ...stores };
    },
    countJobs: (swarm) => unlessSilent(swarm, countJobs),
    connectedRunners: (swarm) => unlessSilent(swarm, connectedRunners),
    async unconnectedRunners(swarm, signal) {
      const found = (await unconnectedOf(swarm, this, signal)) ?? [];
      return found.filter(isOverdue).map((each) => describeUnconnected(each, stackOf(swarm.name)));
    },
  };
}

/** Returns the answer of a swarm's queue; undefined if it does not answer. */
async function unlessSilent<T>(
  swarm: ReachableSwarm,
  question: (connection: QueueConnection) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await question(queueOf(swarm, await passwordsOf(swarm)));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Waits, up to a time limit, until the runners have handed back their runs. Returns the jobs in the queue. */
async function untilHandedBack(
  count: () => Promise<JobCounts | undefined>,
  signal: AbortSignal | undefined,
): Promise<JobCounts | undefined> {
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs: HAND_BACK_TIMEOUT_MS, signal });
  for (;;) {
    const jobs = await count();
    if ((jobs?.running ?? 0) === 0 || !(await nextAttempt())) return jobs;
  }
}

/** Returns a swarm's services from its state file. */
export async function servicesOf(name: string): Promise<Services> {
  const state = await readState(name);
  return (state && "services" in state ? state.services : undefined) ?? NO_SERVICES;
}

/** Changes a swarm's services in its state file, including concurrent changes. */
export async function changeServices(name: string, change: (services: Services) => Services): Promise<void> {
  await changeStateFile<SwarmState>(name, (state) => {
    if (state === undefined || state.target === "local") throw new Error(`${name} has no services`);
    return { ...state, services: change(state.services ?? NO_SERVICES) };
  });
}

/**
 * Returns the passwords of the services: from the state file, otherwise from a container of the services. Users who have
 * access to the manager's Docker are permitted to know them.
 * @throws {UserError} if the services are not deployed.
 */
export async function passwordsOf(swarm: ReachableSwarm, signal?: AbortSignal): Promise<Passwords> {
  const { passwords } = await servicesOf(swarm.name);
  if (passwords !== undefined) return passwords;
  const container = await containerOf(swarm.docker, stackOf(swarm.name), "dashboard", signal);
  if (container === undefined) {
    throw new UserError(`the services of the swarm ${swarm.name} are not deployed`, {
      hint: `deploy them: swarm-tool deploy ${swarm.name}`,
    });
  }
  const read = await readPasswords(swarm.docker, container, signal);
  await changeServices(swarm.name, (services) => ({ ...services, passwords: read }));
  return read;
}

async function keepPasswords(
  swarm: ReachableSwarm,
  engine: Engine,
  { passwords: known }: Services,
  signal: AbortSignal | undefined,
): Promise<void> {
  const passwords = await ensureSecrets(engine.endpoint, stackOf(swarm.name), known, signal);
  if (passwords !== undefined) {
    await changeServices(swarm.name, (services) => ({ ...services, passwords }));
  }
}

function queueOf(swarm: ReachableSwarm, { redis }: Passwords): QueueConnection {
  return { host: "127.0.0.1", port: portOf(swarm, "redis"), password: redis, maxRetriesPerRequest: null };
}

/** Returns the local port of a service. @throws {UserError} if the swarm is not connected. */
export function portOf({ name, ports }: ReachableSwarm, service: string): number {
  const port = ports[service];
  if (port !== undefined) return port;
  throw notConnected(name);
}

/** Returns the error for an operation that needs a connected swarm. */
export function notConnected(name: string): UserError {
  return new UserError(`the swarm ${name} is not connected`, {
    hint: `connect it with: swarm-tool connect ${name}`,
  });
}

/** Returns the path of Docker's socket on the manager. If the manager is this machine, Docker may be rootless. */
async function socketOnManager({ isOurs, docker }: ReachableSwarm): Promise<string> {
  const host = isOurs ? "" : await hostOf(docker); // through a tunnel, this would be the tunnel's socket
  return host.startsWith("unix://") ? host.slice("unix://".length) : DOCKER_SOCKET;
}
