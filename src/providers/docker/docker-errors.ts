import { UserError } from "../../errors.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { DockerState } from "../swarm-state.ts";
import { describeEndpoint } from "./cli.ts";

/** Returns the error for `init` with a swarm of this name on another Docker. */
export function otherDocker({ name, docker }: DockerState): UserError {
  return new UserError(`the swarm ${name} is on another Docker: ${describeEndpoint(docker)}`, {
    hint: `choose another name: swarm-tool init NAME --docker; or remove the other one: swarm-tool remove ${name}`,
  });
}

/** Returns the error for contradicting options. */
export function twoDockers(): UserError {
  return new UserError("--host and --context cannot be used together", {
    hint: "give only one of them",
  });
}

/** Returns an error of a swarm's Docker with the hint to forget the swarm. */
export function withForgetHint(name: string, cause: UserError): UserError {
  return new UserError(cause.message, {
    hint: `if its Docker Swarm no longer exists, forget the swarm: swarm-tool remove ${name} --forget`,
    cause,
  });
}

/** Returns the error for a swarm without a state file that was in use. */
export function unknownHere(name: string): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} was removed or forgotten`, {
    hint: `if it is still deployed, find it again with swarm-tool init ${name} --docker and attach to the campaign`,
  });
}

/** Returns the error for a swarm that other users have removed. */
export function notDeployed({ name, docker }: DockerState): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} is no longer deployed on ${describeEndpoint(docker)}`, {
    hint: `deploy it again: swarm-tool init ${name} --docker; or forget it: swarm-tool remove ${name} --forget`,
  });
}

/** Returns the error for a swarm that was only partly created. */
export function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool deploy ${name}`,
  });
}

/** Refuses an option of `connect` that only swarms on AWS have. */
export function refuseAddresses(name: string): Promise<never> {
  throw new UserError(`--ssh-cidr: the swarm ${name} is not on AWS`);
}
