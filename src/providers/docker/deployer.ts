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
import { waitUntilStable } from "./wait-until-stable.ts";
import { checkStack, containerOf, deployStack, removeServices, stackOf, WORKING_SERVICES } from "./stack.ts";
import { encodeSettings, noteDeployed, readDeployed } from "./swarm-settings.ts";

export interface DeployerDependencies {
  countJobs: (connection: QueueConnection) => Promise<JobCounts>;
}

const HAND_BACK_TIMEOUT_MS = 30_000;
/** As long as a run belongs to a runner that has vanished, since its last sign of life. */
const LOCK_TIMEOUT_MS = 35_000;
const POLL_MS = 500;
const DOCKER_SOCKET = "/var/run/docker.sock";
const NO_SERVICES: Services = { images: {}, build: {} };

/** Deploys the services on a Docker Swarm and finds them there. */
export function dockerDeployer({ countJobs }: DeployerDependencies): SwarmDeployer {
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
      await removeEndedContainers(swarm.docker, stack, signal); // they hold images
      await removeBuiltImages(swarm.docker, signal, used); // those of earlier versions
    },
    async removeRunners(swarm, signal) {
      await removeServices(swarm.docker, stackOf(swarm.name), WORKING_SERVICES, signal);
      const jobs = await untilHandedBack(() => this.countJobs(swarm), signal);
      if ((jobs?.running ?? 0) === 0) return jobs;
      const { releaseStalled } = await import("../../queue/release-stalled.ts"); // of machines that are cut off
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
    async countJobs(swarm) {
      try {
        return await countJobs(queueOf(swarm, await passwordsOf(swarm)));
      } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
      }
    },
  };
}

/** The runners of other machines end at their own pace; one that does not hand back its runs loses them to others. */
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

/** Of the services, as they are known here. */
export async function servicesOf(name: string): Promise<Services> {
  const state = await readState(name);
  return (state && "services" in state ? state.services : undefined) ?? NO_SERVICES;
}

/** Changes what is known of the services; what another part wrote meanwhile stays. */
export async function changeServices(name: string, change: (services: Services) => Services): Promise<void> {
  await changeStateFile<SwarmState>(name, (state) => {
    if (state === undefined || state.target === "local") throw new Error(`${name} has no services`);
    return { ...state, services: change(state.services ?? NO_SERVICES) };
  });
}

/**
 * The passwords of the services: those of this machine's user, else those that the services have, which whoever can
 * reach their Docker may know.
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

/** @throws {UserError} if the swarm is not connected. */
export function portOf({ name, ports }: ReachableSwarm, service: string): number {
  const port = ports[service];
  if (port !== undefined) return port;
  throw notConnected(name);
}

export function notConnected(name: string): UserError {
  return new UserError(`the swarm ${name} is not connected`, {
    hint: `connect it with: swarm-tool connect ${name}`,
  });
}

/** That of a rootless or other Docker of this machine has another place. */
async function socketOnManager({ isOurs, docker }: ReachableSwarm): Promise<string> {
  const host = isOurs ? "" : await hostOf(docker); // through a tunnel it is the tunnel's own
  return host.startsWith("unix://") ? host.slice("unix://".length) : DOCKER_SOCKET;
}
