import { GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import { UserError } from "../../errors.ts";
import { attempts } from "../../system/poll.ts";
import { haltedError, step, type ProgressEvent } from "../provider.ts";
import type { AwsState } from "../swarm-state.ts";
import { closeTunnel, isOpen, openTunnel } from "./tunnel.ts";
import { dockerAnswers } from "../docker/docker-ping.ts";
import type { AwsClients } from "./clients.ts";
import type { LaunchFailure } from "./launch-failures.ts";
import { findGroups, launchFailure } from "./groups.ts";
import { keyFile } from "./key-pair.ts";
import { listMachines, type Machine } from "./machines.ts";
import { publishedHostKey } from "./parameters.ts";
import { options } from "./stack.ts";
import { AWS_PACE } from "./timeouts.ts";
import { asRunning, awsDirectories, changeState, reachable } from "./swarm.ts";

export interface ConnectOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Opens the tunnel to the manager, if it is not open, after the manager has started and published its host key.
 * Returns the new state.
 * @throws {UserError} if the manager is not ready in time, or the swarm is halted or has no machines.
 */
export async function* connectManager(
  clients: AwsClients,
  state: AwsState,
  { timeoutMs, signal }: ConnectOptions,
): AsyncGenerator<ProgressEvent, AwsState> {
  if (isOpen(state.tunnel) && (await dockerAnswers(state.tunnel.dockerSocket))) return state;
  if (state.tunnel !== undefined) await closeTunnel(state.tunnel);
  const deadline = Date.now() + timeoutMs;
  const manager = yield* waitForManager(clients, state, { timeoutMs, signal });
  yield step(`opening the tunnel to ${manager.id} at ${manager.address}`);
  const { state: directory, socket } = awsDirectories(state.name);
  let connected = state;
  await openTunnel(
    {
      address: manager.address,
      user: state.sshUser,
      keyFile: keyFile(directory),
      alias: manager.id,
      hostKey: manager.hostKey,
    },
    {
      directory,
      socketDirectory: socket,
      ports: state.tunnel?.ports,
      timeoutMs: Math.max(deadline - Date.now(), 1000),
      signal,
      save: async (tunnel) => {
        connected = await changeState(state.name, (now) => ({
          ...(now.state === "halted" ? asRunning(now) : now), // resumed from another machine
          tunnel,
          manager: manager.id,
        }));
      },
    },
  );
  return connected;
}

/** Closes the tunnel. @returns whether it was open. */
export async function disconnectManager(state: AwsState): Promise<boolean> {
  const wasOpen = reachable(state) !== undefined;
  if (state.tunnel === undefined) return false;
  await closeTunnel(state.tunnel);
  await changeState(state.name, ({ tunnel: _, ...rest }) => rest);
  return wasOpen;
}

/** A launch may have failed shortly before, while the stack was being created. */
const BEFORE_MS = 60_000;
/**
 * How long failed launches are waited for that may succeed later: in a new account, the first ones fail until the role
 * of Auto Scaling is known everywhere.
 */
const LAUNCH_MS = 5 * 60_000;

type ReadyManager = Machine & { address: string; hostKey: string };

async function* waitForManager(
  clients: AwsClients,
  state: AwsState,
  { timeoutMs, signal }: ConnectOptions,
): AsyncGenerator<ProgressEvent, ReadyManager> {
  const start = performance.now();
  const waitedMs = (): number => performance.now() - start;
  const since = (): Date => new Date(clients.now().getTime() - waitedMs() - BEFORE_MS);
  const nextAttempt = attempts({ ...AWS_PACE, timeoutMs, signal });
  let reported = "";
  for (;;) {
    const [groups, machines] = await Promise.all([
      findGroups(clients, state.stack, state.name, signal),
      listMachines(clients, state.name, signal),
    ]);
    if (groups === undefined) {
      throw new UserError(`AWS has no machines for the swarm ${state.name}`, {
        hint: `recreate it with: swarm-tool init ${state.name}`,
      });
    }
    if (groups.manager.desired === 0) throw haltedError(state.name);
    const manager = machines.find(
      (machine) => machine.state === "running" && groups.manager.instances.includes(machine.id),
    );
    const hostKey = manager && (await hostKeyOf(clients, state.name, manager.id, signal));
    if (manager?.address !== undefined && hostKey !== undefined) {
      return { ...manager, address: manager.address, hostKey };
    }
    const failure =
      manager === undefined ? await launchFailure(clients, groups.manager.name, since, signal) : undefined;
    if (failure !== undefined && (failure.isPermanent || waitedMs() > LAUNCH_MS)) throw failure;
    const missing = describeMissing(manager, failure);
    if (missing !== reported) yield step(`waiting for ${missing}`);
    reported = missing;
    if (!(await nextAttempt())) {
      throw new UserError(
        `the manager of the swarm ${state.name} is not ready: still waiting for ${missing}`,
        {
          hint: `check with: swarm-tool status ${state.name}; then continue with: swarm-tool connect ${state.name}`,
        },
      );
    }
  }
}

function describeMissing(manager: Machine | undefined, failure: LaunchFailure | undefined): string {
  if (failure !== undefined) return `the manager to start, which AWS tries again (${failure.message})`;
  if (manager === undefined) return "the manager to start";
  return manager.address === undefined ? "the manager's address" : "the manager to publish its host key";
}

/** Returns a manager's host key: from the parameter of our template, otherwise from the machine's console output. */
async function hostKeyOf(
  clients: AwsClients,
  swarm: string,
  managerId: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const published = await publishedHostKey(clients, swarm, managerId, signal);
  if (published !== undefined) return published;
  const { Output } = await clients.ec2.send(
    new GetConsoleOutputCommand({ InstanceId: managerId }),
    options(signal),
  );
  const text = Buffer.from(Output ?? "", "base64").toString("latin1");
  const keys = /-----BEGIN SSH HOST KEY KEYS-----([\s\S]*?)-----END SSH HOST KEY KEYS-----/.exec(text)?.[1];
  return /\b(ssh-ed25519 AAAA[\w+/=]+)/.exec(keys ?? "")?.[1];
}
