import { rm } from "node:fs/promises";
import { UserError } from "../../errors.ts";
import { attempts, type Clock } from "../../system/poll.ts";
import { step, type ProgressEvent } from "../provider.ts";
import type { AwsState } from "../swarm-state.ts";
import type { AwsClients } from "./clients.ts";
import { resourceEvents, SKEW_MS } from "./create.ts";
import { deleteKey } from "./key-pair.ts";
import { listLeftovers, otherTagged } from "./leftovers.ts";
import { deletePublished } from "./parameters.ts";
import { deleteStack, describeStack, firstFailure, followStack, isOurs } from "./stack.ts";
import { closeTunnel } from "./tunnel.ts";
import { awsDirectories } from "./swarm.ts";
import { AWS_PACE } from "./timeouts.ts";

const GONE_TIMEOUT_MS = 30_000;

/**
 * Deletes a swarm's resources on AWS and then its files on this machine.
 * @throws {UserError} naming what AWS could not delete; the files are kept then.
 */
export async function* removeSwarm(
  clients: AwsClients,
  state: AwsState,
  signal: AbortSignal,
  clock?: Clock,
): AsyncGenerator<ProgressEvent> {
  if (state.tunnel !== undefined) await closeTunnel(state.tunnel);
  yield* removeStack(clients, state, signal);
  await deletePublished(clients, state.name);
  if (await deleteKey(clients, state.keyName)) yield step(`deleted the key pair ${state.keyName}`);
  const left = await remaining(clients, state.name, signal, clock);
  if (left.length > 0) {
    throw new UserError(`still on AWS from the swarm ${state.name}: ${left.join(", ")}`, {
      hint: `they may cost money; retry with: swarm-tool remove ${state.name}; or delete them in the AWS console`,
    });
  }
  yield* noteOthers(clients, state.name);
  const { state: directory, cache, socket } = awsDirectories(state.name);
  for (const place of [cache, socket, directory]) await rm(place, { recursive: true, force: true });
}

/** Warns about what AWS lists with the swarm's tag beside what this tool creates, and if that cannot be read. */
async function* noteOthers(clients: AwsClients, swarm: string): AsyncGenerator<ProgressEvent> {
  const others = await otherTagged(clients, swarm);
  if (others === undefined) {
    const text =
      "AWS denied permission to list all resources by their tag: only those that swarm-tool creates were looked for";
    yield { type: "warning", text };
  } else if (others.length > 0) {
    const text = `AWS also lists with the tag of the swarm ${swarm}, perhaps only for some minutes: ${others.join(", ")}`;
    yield { type: "warning", text };
  }
}

/** Returns what is left of a swarm, after some time: machines and their disks are deleted later than their group. */
async function remaining(
  clients: AwsClients,
  swarm: string,
  signal: AbortSignal,
  clock?: Clock,
): Promise<string[]> {
  const nextAttempt = attempts({ ...AWS_PACE, timeoutMs: GONE_TIMEOUT_MS, signal }, clock);
  for (;;) {
    const left = await listLeftovers(clients, swarm);
    if (left.length === 0 || !(await nextAttempt())) return left;
  }
}

async function* removeStack(
  clients: AwsClients,
  state: AwsState,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent> {
  const stack = await describeStack(clients, state.stack, signal);
  if (stack === undefined) return;
  if (!isOurs(stack, state.name)) {
    throw new UserError(`the stack ${state.stack} was not created by swarm-tool and is not touched`);
  }
  const since = new Date(clients.now().getTime() - SKEW_MS); // AWS has answered: its clock is known
  await deleteStack(clients, stack.StackId!);
  yield step(`deleting the stack ${state.stack}; this takes some minutes`);
  const status = yield* resourceEvents(followStack(clients, stack.StackId!, { since, signal }));
  if (status === undefined) return;
  const failure = await firstFailure(clients, stack.StackId!, since);
  const reason = failure && `: ${failure.logicalId} (${failure.type}): ${failure.reason ?? failure.status}`;
  const left = await listLeftovers(clients, state.name);
  const named = left.length === 0 ? "" : `AWS still has, and it may cost money: ${left.join(", ")}; `;
  throw new UserError(`AWS could not delete the stack ${state.stack}${reason ?? `, it is ${status}`}`, {
    hint: `${named}retry with: swarm-tool remove ${state.name}; or delete the stack in the AWS console, under CloudFormation`,
  });
}
