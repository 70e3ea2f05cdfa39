import { UserError } from "../../errors.ts";
import { socketDirectoryFor } from "../local/local-paths.ts";
import type { ProviderContext, SwarmEvent } from "../provider.ts";
import type { ReachableSwarm, SwarmDeployer } from "../reachable-swarm.ts";
import { changeStateFile, readState } from "../state-file.ts";
import { hostDirectory, swarmDirectories } from "../swarm-folders.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { AwsState, SwarmState } from "../swarm-state.ts";
import { isOpen } from "./tunnel.ts";

/** A swarm on AWS, with the context of its operations. */
export interface Aws {
  name: string;
  context: ProviderContext;
  deployer: SwarmDeployer;
  signal: AbortSignal;
}

/** Returns the name of a swarm's CloudFormation stack, with which the names of its resources begin. */
export function stackName(swarm: string): string {
  return `swarm-${swarm}`;
}

/** CloudFormation's rule, shortened so that names with `swarm-` and `-manager` have at most 64 characters. */
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,39}$/;

/** Checks the name of a swarm on AWS. @throws {UserError} if it is not valid. */
export function checkSwarmName(name: string): void {
  if (NAME.test(name)) return;
  throw new UserError(`${JSON.stringify(name)} is not a valid name for a swarm on AWS`, {
    hint: "a name begins with a letter and has at most 40 letters, digits and -",
  });
}

/** Returns the directories of a swarm on AWS: its state, its cache, and the folder for sockets. */
export function awsDirectories(name: string): { state: string; cache: string; socket: string } {
  const { state, cache } = swarmDirectories(name);
  return { state, cache, socket: socketDirectoryFor(hostDirectory(name)) };
}

/** Returns the state of a swarm on AWS. @throws {UserError} if it does not exist or is not on AWS. */
export async function existingAws(name: string): Promise<AwsState> {
  return asAws(name, await readState(name));
}

function asAws(name: string, state: SwarmState | undefined): AwsState {
  if (state === undefined) {
    throw new UserError(`no swarm named ${name}`, { hint: `create it with: swarm-tool init ${name}` });
  }
  if (state.target !== "aws") throw new UserError(`the swarm ${name} is not on AWS`);
  return state;
}

/** Changes the current state of a swarm, including concurrent changes, and returns the new one. */
export async function changeState(name: string, change: (state: AwsState) => AwsState): Promise<AwsState> {
  return (await changeStateFile(name, (state) => change(asAws(name, state))))!;
}

/** Returns the state of a running swarm, without the fields that describe when it was halted. */
export function asRunning({ haltedBy: _haltedBy, jobs: _jobs, ...state }: AwsState): AwsState {
  return { ...state, state: "running" };
}

/** Returns the swarm as it can be reached through its tunnel; undefined if the tunnel is not open. */
export function reachable(state: AwsState): ReachableSwarm | undefined {
  if (!isOpen(state.tunnel)) return undefined;
  const { dockerSocket, ports } = state.tunnel;
  const docker = { host: `unix://${dockerSocket}` };
  return { name: state.name, docker, isOurs: true, workers: state.workers, ports };
}

/** Returns the event that reports how to reach the swarm. */
export async function reachableEvent(name: string): Promise<SwarmEvent> {
  const { tunnel } = await existingAws(name);
  return { type: "reachable", name, ...(tunnel && { dockerSocket: tunnel.dockerSocket }) };
}

/** Returns the error for a swarm that was removed while it was in use. */
export function removedError(name: string): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} was removed`);
}

/** Returns the error for a swarm that was only partly created. */
export function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool init ${name}`,
  });
}
