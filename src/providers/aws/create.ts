import { UserError } from "../../errors.ts";
import { changeStateFile, setAsideDamaged } from "../state-file.ts";
import { step, type ProgressEvent } from "../provider.ts";
import type { AwsState } from "../swarm-state.ts";
import { ensureServiceRoles } from "./boundary.ts";
import { connectManager } from "./connect.ts";
import type { AwsClients } from "./clients.ts";
import { findGroups } from "./groups.ts";
import { importKey, makeKey } from "./key-pair.ts";
import { listLeftovers } from "./leftovers.ts";
import type { Plan } from "./plan.ts";
import { createStack, firstFailure, followStack } from "./stack.ts";
import { armStops } from "./stops.ts";
import { awsDirectories, changeState } from "./swarm.ts";
import { START_TIMEOUT_MS } from "./timeouts.ts";

/** The machines of AWS may have slightly different clocks. */
export const SKEW_MS = 10_000;

/** Returns whether a stack can only be removed, because its creation or removal failed. */
export function isBroken(status: string): boolean {
  return /^(ROLLBACK_|CREATE_FAILED|DELETE_FAILED)/.test(status) && !status.endsWith("_IN_PROGRESS");
}

/**
 * Creates a swarm, or completes one that was partly created, until its manager can be reached. Returns its state. The
 * state file is written before anything that costs money is created.
 * @throws {UserError} with the first resource that failed, and the reason.
 */
export async function* createSwarm(
  clients: AwsClients,
  plan: Plan,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, AwsState> {
  const { options, stack } = plan;
  const state = await noteSwarm(plan);
  const publicKey = await makeKey(awsDirectories(options.name).state, stack);
  const imported = await importKey(clients, state.keyName, options.name, publicKey);
  if (imported === "imported") yield step(`imported the key pair ${state.keyName}`);
  yield* completeStack(clients, plan, signal);
  const groups = await findGroups(clients, stack, options.name, signal);
  yield* armStops(clients, state, groups);
  if (groups?.manager.desired === 0) {
    await changeState(options.name, (now) => ({ ...now, state: "halted" }));
    throw new UserError(`the swarm ${options.name} is complete, but halted`, {
      hint: `resume it with: swarm-tool resume ${options.name}`,
    });
  }
  const started = await changeState(options.name, (now) => ({ ...now, state: "running" }));
  return yield* connectManager(clients, started, { timeoutMs: START_TIMEOUT_MS, signal });
}

/** Writes a swarm's state file if it is missing or damaged, so that the swarm can be removed. Returns the state. */
export async function noteSwarm(plan: Plan): Promise<AwsState> {
  const { name } = plan.options;
  await setAsideDamaged(name);
  return (await changeStateFile(name, (known) => (known?.target === "aws" ? known : newState(plan))))!;
}

async function* completeStack(
  clients: AwsClients,
  plan: Plan,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent> {
  const { stack, present, options } = plan;
  const since = present?.created ?? new Date(clients.now().getTime() - SKEW_MS);
  let id = present?.id;
  if (id === undefined) {
    const { template, parameters } = plan;
    await ensureServiceRoles(clients, options);
    id = await createStack(clients, { name: stack, swarm: options.name, template, parameters });
    yield step(`creating the stack ${stack}; this takes some minutes`);
  }
  const status = yield* resourceEvents(followStack(clients, id, { since, signal }));
  if (status !== undefined && !isBroken(status)) return;
  throw await creationFailure(clients, { id, since, status, swarm: options.name, stack });
}

/** Final statuses of a stack of which nothing is left that costs money. */
const ROLLED_BACK = ["ROLLBACK_COMPLETE", ""];

/** The creation of a stack failed. */
export class CreationError extends UserError {}

/** Returns the error for a failed stack: which resource failed, and what is left of the stack. */
export async function creationFailure(
  clients: AwsClients,
  stack: { id: string; since: Date; status: string | undefined; swarm: string; stack: string },
): Promise<CreationError> {
  const failure = await firstFailure(clients, stack.id, stack.since);
  const reason =
    failure === undefined
      ? `the stack ${stack.stack} ended in ${stack.status ?? "its deletion"}`
      : `AWS could not create ${failure.logicalId} (${failure.type}): ${failure.reason ?? failure.status}`;
  const left = ROLLED_BACK.includes(stack.status ?? "") ? [] : await listLeftovers(clients, stack.swarm);
  const state =
    left.length === 0
      ? "AWS has rolled back what it had created"
      : `AWS still has, and it may cost money: ${left.join(", ")}`;
  return new CreationError(reason, {
    hint: `${state}; remove what is left with: swarm-tool remove ${stack.swarm}`,
  });
}

/** Converts the events of a stack to progress events. */
export async function* resourceEvents<R>(
  events: AsyncGenerator<{ logicalId: string; type: string; status: string; reason: string | undefined }, R>,
): AsyncGenerator<ProgressEvent, R> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    const { type, ...event } = next.value;
    yield { type: "resource", resourceType: type, ...event };
  }
}

function newState({ options, region, stack, prices }: Plan): AwsState {
  return {
    format: 1,
    name: options.name,
    target: "aws",
    state: "creating",
    region,
    ...(options.profile !== undefined && { profile: options.profile }),
    stack,
    keyName: stack,
    sshUser: options.sshUser,
    workers: options.workers,
    volumeGiB: options.volumeGiB,
    maxHours: options.maxHours,
    ...(prices && { prices }),
  };
}
