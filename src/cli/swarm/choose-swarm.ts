import { Declined, UserError } from "../../errors.ts";
import { isBilled, isOnThisMachine, newSwarm, openSwarm } from "../../providers/kinds/kinds.ts";
import { findOnOtherHosts, listSwarms, findAllSwarms, onOtherMachine } from "../../providers/list-swarms.ts";
import {
  drain,
  haltedError,
  type Provider,
  type ProviderContext,
  type SwarmEvents,
} from "../../providers/provider.ts";
import { readState } from "../../providers/state-file.ts";
import type { SwarmState } from "../../providers/swarm-state.ts";
import { canAsk, confirm } from "./ask.ts";
import { unknownSwarm, WITHOUT_SWARM } from "./name-or-only.ts";
import { providerContext } from "./provider-context.ts";

export interface ChoiceContext {
  /** Number of runners for a new swarm; undefined: create none. */
  runners?: number;
  /** The swarm is only read: accept a halted one if its queue may respond all the same, and never ask. */
  asItIs?: boolean;
  /** Resume a halted swarm, and install the server of the queue for a new one, without asking. */
  yes?: boolean | undefined;
  interrupt: AbortSignal;
  say: (text: string) => void;
}

/**
 * Returns the swarm for a campaign: the named one, else that of the variable `SWARM`, else the only one. If
 * there is none, creates one on this machine. Resumes a halted swarm; asks the user first if it is on other machines.
 * @throws {UserError} if the choice is ambiguous, or if the swarm is halted and must not be resumed.
 * @throws {Declined} if the user does not want to resume it.
 */
export async function chooseSwarm(
  named: string | undefined,
  context: ChoiceContext,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Provider> {
  const name = named ?? (env["SWARM"] || undefined);
  const swarms = name === undefined ? await readableSwarms(context) : [await namedSwarm(name)];
  const running = swarms.filter(({ state }) => state === "running");
  if (running.length > 1) throw ambiguous(running);
  const [only] = running.length === 1 ? running : swarms;
  if (swarms.length > 1 && running.length === 0) throw ambiguous(swarms);
  if (only === undefined) return await createLocal(context);
  const target = await openSwarm(only, providersContext(context));
  const isHalted = (await target.isHalted?.()) ?? only.state === "halted";
  if (isHalted && !(context.asItIs && target.isHalted)) await resumeHalted(only, target, context);
  return target;
}

/**
 * Returns whether the workers of the swarm that would be chosen read the disk of this machine, as those of a
 * new swarm would; undefined if the choice is ambiguous.
 * @throws {UserError} if there is no swarm of this name.
 */
export async function wouldShareDisk(
  named: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean | undefined> {
  const name = named ?? (env["SWARM"] || undefined);
  const swarms = name === undefined ? await listSwarms() : [await namedSwarm(name)];
  const running = swarms.filter((swarm) => swarm.state === "running");
  const candidates = running.length > 0 ? running : swarms;
  if (candidates.length === 0) return true;
  const [only] = candidates;
  if (candidates.length > 1 || only === undefined) return undefined;
  return isOnThisMachine(only); // even if its results are in a MongoDB
}

/** Returns the swarms with a valid state file and warns of the others. Throws if all state files are invalid. */
async function readableSwarms({ say }: ChoiceContext): Promise<SwarmState[]> {
  const { swarms, unreadable } = await findAllSwarms();
  if (swarms.length === 0 && unreadable[0] !== undefined) throw unreadable[0].error;
  for (const { error } of unreadable) say(`warning: ${error.message}`);
  return swarms;
}

async function namedSwarm(name: string): Promise<SwarmState> {
  const state = await readState(name);
  if (state) return state;
  const [elsewhere] = await findOnOtherHosts(name);
  if (elsewhere !== undefined) throw onOtherMachine(elsewhere);
  throw await unknownSwarm(name);
}

function providersContext({ yes, interrupt }: ChoiceContext): ProviderContext {
  return providerContext(yes ? { yes } : {}, interrupt);
}

async function createLocal(context: ChoiceContext): Promise<Provider> {
  const { runners, say } = context;
  if (runners === undefined) {
    const [other] = (await findAllSwarms()).elsewhere;
    if (other !== undefined) throw onOtherMachine(other);
    throw new UserError("no swarm exists", { hint: WITHOUT_SWARM });
  }
  say(
    `no swarm exists yet: creating one on this machine with ${runners} runners; it shuts down after one hour idle`,
  );
  const target = await newSwarm(undefined, { local: true }, providersContext(context));
  await printProgress(target.init({ runners, services: () => Promise.resolve((services) => services) }), say);
  return target;
}

/** Resumes a halted swarm. If it is only read, a swarm that a user has halted stays halted. */
async function resumeHalted(
  state: SwarmState,
  target: Provider,
  { say, asItIs, yes, interrupt }: ChoiceContext,
): Promise<void> {
  const { name } = state;
  const isHere = isOnThisMachine(state);
  if (asItIs && (!isHere || state.haltedBy !== "idleness")) throw haltedError(name);
  if (!isHere && !yes) {
    if (!canAsk()) throw haltedError(name);
    const price = isBilled(state) ? "costs money" : "occupies its machines";
    const question = `the swarm ${name} is halted, and ${price} while it is running. Resume it?`;
    if (!(await confirm(question, interrupt)))
      throw new Declined(`the swarm ${name} stays halted; nothing was done`);
  }
  say(`resuming the swarm ${name}`);
  await printProgress(target.resume(), say);
}

/** Prints only progress and warnings of an operation. */
async function printProgress(events: SwarmEvents, say: (text: string) => void): Promise<void> {
  await drain(events, (event) => {
    if (event.type === "step") say(event.text);
    if (event.type === "warning") say(`warning: ${event.text}`);
  });
}

function ambiguous(swarms: readonly SwarmState[]): UserError {
  const names = swarms.map(({ name, state }) => `${name} (${state})`).join(", ");
  return new UserError(`there are several swarms: ${names}`, {
    hint: "name one with --swarm NAME or SWARM=NAME",
  });
}
