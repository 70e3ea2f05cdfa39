import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../errors.ts";
import { withLock } from "../local/local.ts";
import type { SwarmDeployer } from "../reachable-swarm.ts";
import { changeStateFile, readState, setAsideDamaged } from "../state-file.ts";
import { swarmDirectories } from "../swarm-folders.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { DockerState, SwarmState } from "../swarm-state.ts";
import type { DockerStatus, Target } from "../target.ts";
import { describeEndpoint, resolveEndpoint } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { openEngine } from "./engine.ts";
import { lockChanges } from "./change-lock.ts";
import { removeBuiltImages } from "./build.ts";
import { describeSwarm } from "./describe.ts";
import { reachable } from "./reachable.ts";
import { isRelaying, startRelay, stopRelay } from "./relay-process.ts";
import { removeSecrets } from "./secrets.ts";
import type { Services } from "../services.ts";
import { checkStack, removeStack, stackOf } from "./stack.ts";
import { noteHalted, readDeployed } from "./swarm-settings.ts";

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

  /** While nobody else changes the swarm, on whatever machine. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> =>
    locked(async () => {
      const { docker } = await existing(name);
      await using _ = await lockChanges(docker, stackOf(name), signal);
      return await work();
    });

  /** Deploys what the state has; if that fails, what it had before holds again. */
  const deploy = async (before?: Services): Promise<void> => {
    try {
      for await (const text of deployer.deploy(reachable(await existing(name)), signal)) say(text);
    } catch (error) {
      if (before !== undefined) await changeState(name, (state) => withSettings(state, before));
      throw error;
    }
    await connected(name);
    await changeState(name, asRunning);
  };

  /** Uses what somebody else has deployed, as it is. */
  const join = async (halted: boolean): Promise<void> => {
    const { docker } = await existing(name);
    await checkStack(await openEngine(docker, signal), stackOf(name), signal);
    await connected(name);
    await changeState(name, (state) => ({ ...state, state: halted ? "halted" : "running" }));
    say(`using the swarm ${name} that is already deployed there, unchanged`);
  };

  /** As the swarm itself is, which others may have changed. Under the swarm's lock. */
  const synced = async (): Promise<DockerState> => {
    const now = await seen(name, signal);
    return await changeState(name, (state) => ({ ...withSettings(state, now.services), state: now.state }));
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
        await using _ = await lockChanges(docker, stackOf(name), signal);
        const there = await readDeployed(docker, stackOf(name), signal);
        const before = { ...(known?.services ?? NOTHING_SAID), ...there?.settings };
        const services = change(before);
        await changeStateFile(name, (state) => ({
          ...(asDocker(name, state) ?? newState(name, docker)),
          services,
        }));
        if (known === undefined && there !== undefined && isDeepStrictEqual(services, before))
          await join(there.halted);
        else await deploy(there && before);
      }),
    deploy: (change) =>
      exclusively(async () => {
        const { state, services: before } = await synced();
        if (state === "halted") throw halted(name);
        await changeState(name, (now) => ({ ...now, services: change(now.services) }));
        await deploy(state === "creating" ? undefined : before);
      }),
    async isReady() {
      const { state, relay } = await existing(name);
      return state === "running" && isRelaying(relay);
    },
    async mend({ askSwarm = false } = {}) {
      if ((await dockerState(name)) === undefined) throw unknownHere(name);
      const { state, relay } = askSwarm ? await seen(name, signal) : await existing(name);
      if (state === "halted") throw halted(name);
      if (isRelaying(relay)) return [];
      await locked(() => connected(name));
      return ["the relay to the swarm had stopped and was restarted"];
    },
    isHalted: async () => (await seen(name, signal)).state === "halted",
    async connect(onWaiting, gone) {
      const state = await existing(name);
      if (state.state === "creating") throw notComplete(name);
      const open = isRelaying(state.relay) ? state : await locked(() => connected(name));
      return await deployer.access(reachable(open), onWaiting, gone);
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
      exclusively(async () => {
        await synced();
        const { docker } = await connected(name);
        const jobs = await deployer.removeRunners(reachable(await existing(name)), signal);
        await noteHalted(docker, stackOf(name), signal);
        await changeState(name, (state) => ({
          ...state,
          state: "halted",
          haltedBy: "user",
          ...(jobs && { jobs }),
        }));
      }),
    resume: () =>
      exclusively(async () => {
        await synced();
        await deploy();
      }),
    remove: () =>
      exclusively(async () => {
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
    status: async () => describeSwarm(await seen(name, signal), deployer, signal),
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

/**
 * The state as the swarm itself has it: other users may have halted it, or deployed it with other settings.
 * @throws {UserError} if it is no longer there.
 */
async function seen(name: string, signal: AbortSignal | undefined): Promise<DockerState> {
  const state = await existing(name);
  if (state.state === "creating") return state;
  const deployed = await readDeployed(state.docker, stackOf(name), signal);
  if (deployed === undefined) throw gone(state);
  const { settings, halted } = deployed;
  if (settings === undefined) return state;
  return { ...withSettings(state, settings), state: halted ? "halted" : "running" };
}

/** What was set stays out of it if it is not set any more; the passwords stay. */
function withSettings(state: DockerState, settings: Omit<Services, "passwords">): DockerState {
  const { passwords } = state.services;
  return { ...state, services: { ...settings, ...(passwords && { passwords }) } };
}

function asRunning({ haltedBy: _haltedBy, jobs: _jobs, ...state }: DockerState): DockerState {
  return { ...state, state: "running" };
}

async function existing(name: string): Promise<DockerState> {
  const state = await dockerState(name);
  return state ?? missing(name);
}

function missing(name: string): never {
  throw new UserError(`no swarm named ${name}`, { hint: "create one with: swarm-tool init --docker" });
}

async function dockerState(name: string): Promise<DockerState | undefined> {
  return asDocker(name, await readState(name));
}

function asDocker(name: string, state: SwarmState | undefined): DockerState | undefined {
  if (state === undefined || state.target === "docker") return state;
  throw new UserError(`the swarm ${name} is not on a Docker Swarm`, { hint: "choose another name" });
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
    hint: `choose another name: swarm-tool init NAME --docker; or remove the other one: swarm-tool remove ${name}`,
  });
}

function halted(name: string): UserError {
  return new UserError(`the swarm ${name} is halted`, { hint: `resume it with: swarm-tool resume ${name}` });
}

function unknownHere(name: string): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} was removed or forgotten`, {
    hint: `if it is still deployed, find it again with swarm-tool init ${name} --docker and attach to the campaign`,
  });
}

function gone({ name, docker }: DockerState): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} is no longer deployed on ${describeEndpoint(docker)}`, {
    hint: `deploy it again: swarm-tool init ${name} --docker; or forget it: swarm-tool remove ${name} --forget`,
  });
}

function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool deploy ${name}`,
  });
}
