import { UserError } from "../../errors.ts";
import { SwarmRemoved } from "../swarm-removed.ts";
import type { DockerState } from "../swarm-state.ts";
import { describeEndpoint } from "./cli.ts";

export function otherDocker({ name, docker }: DockerState): UserError {
  return new UserError(`the swarm ${name} is on another Docker: ${describeEndpoint(docker)}`, {
    hint: `choose another name: swarm-tool init NAME --docker; or remove the other one: swarm-tool remove ${name}`,
  });
}

export function twoDockers(): UserError {
  return new UserError("--host and --context cannot be used together", {
    hint: "give only one of them",
  });
}

export function notThere(name: string, cause: UserError): UserError {
  return new UserError(cause.message, {
    hint: `if its Docker Swarm no longer exists, forget the swarm: swarm-tool remove ${name} --forget`,
    cause,
  });
}

export function unknownHere(name: string): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} was removed or forgotten`, {
    hint: `if it is still deployed, find it again with swarm-tool init ${name} --docker and attach to the campaign`,
  });
}

export function gone({ name, docker }: DockerState): SwarmRemoved {
  return new SwarmRemoved(`the swarm ${name} is no longer deployed on ${describeEndpoint(docker)}`, {
    hint: `deploy it again: swarm-tool init ${name} --docker; or forget it: swarm-tool remove ${name} --forget`,
  });
}

export function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool deploy ${name}`,
  });
}
