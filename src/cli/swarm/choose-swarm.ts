import { createInterface } from "node:readline/promises";
import { UserError } from "../../errors.ts";
import { halted, localTarget, type LocalDependencies } from "../../providers/local/local.ts";
import { findElsewhere, listSwarms, lookAtSwarms, onOtherMachine } from "../../providers/list-swarms.ts";
import { readState } from "../../providers/state-file.ts";
import type { SwarmState } from "../../providers/swarm-state.ts";
import type { SwarmDeployer } from "../../providers/reachable-swarm.ts";
import type { LocalTarget, Target } from "../../providers/target.ts";

export interface ChoiceContext {
  /** For a swarm that has to be made; without it none is made. */
  runners?: number;
  /** Whether one that is halted will do, if its queue answers all the same. */
  asItIs?: boolean;
  say: (text: string) => void;
}

export const DEFAULT_LOCAL = "local";

/** What the local target needs of other parts, loaded when it does. */
export const localDependencies: LocalDependencies = {
  countJobs: async (connection) => (await import("../../queue/counts.ts")).countJobs(connection),
  endSimulations: async (directory) => (await import("../../worker/tree/slot.ts")).endLeftoversIn(directory),
};

/** The swarm on this machine of a name, whether it has been made or not. */
export function localTargetOf(name: string): LocalTarget {
  return localTarget(name, localDependencies);
}

/** The target of a swarm that has been made. */
export async function targetOf(state: SwarmState, say: (text: string) => void): Promise<Target> {
  switch (state.target) {
    case "local":
      return localTargetOf(state.name);
    case "aws":
      return await awsTargetOf(state.name, say);
    case "docker":
      return await dockerTargetOf(state.name, say);
    default:
      state satisfies never;
      throw new Error("unknown kind of swarm");
  }
}

async function awsTargetOf(name: string, say: (text: string) => void): Promise<Target> {
  const { awsTarget } = await import("../../providers/aws/aws.ts");
  return awsTarget(name, swarmDeployer, say);
}

async function dockerTargetOf(name: string, say: (text: string) => void): Promise<Target> {
  const { dockerTarget } = await import("../../providers/docker/docker.ts");
  return dockerTarget(name, swarmDeployer, say);
}

/** What deploys the services on a Docker Swarm and finds them there; loaded when it does. */
export const swarmDeployer: SwarmDeployer = {
  async *deploy(swarm, signal) {
    yield* (await loadDeployer()).deploy(swarm, signal);
  },
  removeRunners: async (swarm, signal) => (await loadDeployer()).removeRunners(swarm, signal),
  access: async (swarm, onWaiting, gone) => (await loadDeployer()).access(swarm, onWaiting, gone),
  countJobs: async (swarm) => (await loadDeployer()).countJobs(swarm),
};

async function loadDeployer(): Promise<SwarmDeployer> {
  return (await import("../../providers/docker/deployer.ts")).dockerDeployer(localDependencies);
}

/**
 * The swarm that a campaign goes to: the one that is named, else `SWARM`, else the only one; where there is
 * none, the one on this machine is made.
 * @throws {UserError} where it is not clear which, or where it is halted and nobody can be asked.
 */
export async function chooseSwarm(
  named: string | undefined,
  context: ChoiceContext,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Target> {
  const name = named ?? (env["SWARM"] || undefined);
  const swarms = name === undefined ? await readableSwarms(context) : [await namedSwarm(name)];
  const running = swarms.filter(({ state }) => state === "running");
  if (running.length > 1) throw ambiguous(running);
  const [only] = running.length === 1 ? running : swarms;
  if (swarms.length > 1 && running.length === 0) throw ambiguous(swarms);
  if (only === undefined) return await makeLocal(context);
  const target = await targetOf(only, context.say);
  const isHalted = (await target.isHalted?.()) ?? only.state === "halted";
  if (isHalted && !(context.asItIs && target.isHalted)) await resumeHalted(only, target, context);
  return target;
}

/**
 * Whether the workers of the swarm that would be chosen read the disk of this machine, as those do of one that
 * would be made; undefined where it is not clear which one it is.
 */
export async function wouldShareDisk(
  named: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean | undefined> {
  const name = named ?? (env["SWARM"] || undefined);
  const swarms = name === undefined ? await listSwarms() : [await readState(name)];
  const running = swarms.filter((swarm) => swarm?.state === "running");
  const candidates = running.length > 0 ? running : swarms;
  if (candidates.length === 0) return true;
  const [only] = candidates;
  if (candidates.length > 1 || only === undefined) return undefined;
  return only.target === "local"; // also where it keeps results in a MongoDB
}

/** One that cannot be read is no reason not to use another, and no reason to make a new one in its place. */
async function readableSwarms({ say }: ChoiceContext): Promise<SwarmState[]> {
  const { swarms, unreadable } = await lookAtSwarms();
  if (swarms.length === 0 && unreadable[0] !== undefined) throw unreadable[0].error;
  for (const { error } of unreadable) say(`warning: ${error.message}`);
  return swarms;
}

async function namedSwarm(name: string): Promise<SwarmState> {
  const state = await readState(name);
  if (state) return state;
  const [elsewhere] = await findElsewhere(name);
  if (elsewhere !== undefined) throw onOtherMachine(elsewhere);
  const names = (await listSwarms()).map((swarm) => swarm.name);
  throw new UserError(`no swarm named ${name}`, {
    hint: names.length > 0 ? `known swarms: ${names.join(", ")}` : "create one with: swarm-tool init --local",
  });
}

async function makeLocal({ runners, say }: ChoiceContext): Promise<Target> {
  if (runners === undefined) {
    const [other] = (await lookAtSwarms()).elsewhere;
    if (other !== undefined) throw onOtherMachine(other);
    throw new UserError("no swarm exists", { hint: "create one with: swarm-tool init --local" });
  }
  say(
    `no swarm exists yet: creating one on this machine with ${runners} runners; it shuts down after one hour idle`,
  );
  const target = localTargetOf(DEFAULT_LOCAL);
  await target.init({ runners }, say);
  return target;
}

/** Resuming may cost money, so somebody is asked, unless it halted itself and is on this machine. */
async function resumeHalted(state: SwarmState, target: Target, { say }: ChoiceContext): Promise<void> {
  const isFree = state.target === "local" && state.haltedBy === "idleness";
  if (!isFree && !(await confirm(`the swarm ${state.name} is halted. Resume it?`))) throw halted(state.name);
  say(`resuming the swarm ${state.name}`);
  await target.resume(say);
}

/** Asks a question on the terminal; without one the answer is no. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

function ambiguous(swarms: readonly SwarmState[]): UserError {
  const names = swarms.map(({ name, state }) => `${name} (${state})`).join(", ");
  return new UserError(`there are several swarms: ${names}`, {
    hint: "name one with --swarm NAME or SWARM=NAME",
  });
}
