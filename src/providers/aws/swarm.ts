import { UserError } from "../../errors.ts";
import { socketDirectoryFor } from "../local/local-paths.ts";
import type { ProviderContext, SwarmEvent } from "../provider.ts";
import type { ReachableSwarm, SwarmDeployer } from "../reachable-swarm.ts";
import { changeStateFile, readState } from "../state-file.ts";
import { hostDirectory, swarmDirectories } from "../swarm-folders.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { AwsState, SwarmState } from "../swarm-state.ts";
import { isOpen } from "./tunnel.ts";

/** A swarm on AWS, and what its operations need. */
export interface Aws {
  name: string;
  context: ProviderContext;
  deployer: SwarmDeployer;
  signal: AbortSignal;
}

/** Name of the CloudFormation stack of a swarm, and the beginning of all physical names. */
export function stackName(swarm: string): string {
  return `swarm-${swarm}`;
}

/** CloudFormation's own rule, and room for `swarm-` and `-manager` in names of at most 64 characters. */
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,39}$/;

export function checkSwarmName(name: string): void {
  if (NAME.test(name)) return;
  throw new UserError(`${JSON.stringify(name)} is not a valid name for a swarm on AWS`, {
    hint: "a name begins with a letter and has at most 40 letters, digits and -",
  });
}

export function awsDirectories(name: string): { state: string; cache: string; socket: string } {
  const { state, cache } = swarmDirectories(name);
  return { state, cache, socket: socketDirectoryFor(hostDirectory(name)) };
}

/** @throws {UserError} where there is no such swarm, or it is not on AWS. */
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

/** Changes fields of the state as it is now: what another part wrote meanwhile stays. */
export async function changeState(name: string, change: (state: AwsState) => AwsState): Promise<AwsState> {
  return (await changeStateFile(name, (state) => change(asAws(name, state))))!;
}

/** What was known of a swarm when it was halted is of no use once it runs. */
export function asRunning({ haltedBy: _haltedBy, jobs: _jobs, ...state }: AwsState): AwsState {
  return { ...state, state: "running" };
}

/** Undefined where no tunnel is open. */
export function reachable(state: AwsState): ReachableSwarm | undefined {
  if (!isOpen(state.tunnel)) return undefined;
  const { dockerSocket, ports } = state.tunnel;
  const docker = { host: `unix://${dockerSocket}` };
  return { name: state.name, docker, isOurs: true, workers: state.workers, ports };
}

export async function whereItIs(name: string): Promise<SwarmEvent> {
  const { tunnel } = await existingAws(name);
  return { type: "reachable", name, ...(tunnel && { dockerSocket: tunnel.dockerSocket }) };
}

export function removedError(name: string): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} was removed`);
}

export function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool init ${name}`,
  });
}
