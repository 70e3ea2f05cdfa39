import { UserError } from "../../errors.ts";
import { changeStateFile, readState } from "../state-file.ts";
import type { DockerState, SwarmState } from "../swarm-state.ts";

/** Changes the current state of a swarm, including concurrent changes, and returns the new one. */
export async function changeState(
  name: string,
  change: (state: DockerState) => DockerState,
): Promise<DockerState> {
  return (await changeStateFile(name, (state) => change(asDocker(name, state) ?? missing(name))))!;
}

/** Returns the state of a running swarm, without the fields that describe when it was halted. */
export function asRunning({ haltedBy: _haltedBy, jobs: _jobs, ...state }: DockerState): DockerState {
  return { ...state, state: "running" };
}

/** Returns the state of a swarm on Docker. @throws {UserError} if it does not exist or is of another kind. */
export async function existing(name: string): Promise<DockerState> {
  const state = await dockerState(name);
  return state ?? missing(name);
}

function missing(name: string): never {
  throw new UserError(`no swarm named ${name}`, { hint: "create one with: swarm-tool init --docker" });
}

/** Returns the state of a swarm on Docker, or undefined. @throws {UserError} if it is of another kind. */
export async function dockerState(name: string): Promise<DockerState | undefined> {
  return asDocker(name, await readState(name));
}

/** Returns a state as that of a swarm on Docker, or undefined. @throws {UserError} if it is of another kind. */
export function asDocker(name: string, state: SwarmState | undefined): DockerState | undefined {
  if (state === undefined || state.target === "docker") return state;
  throw new UserError(`the swarm ${name} is not on a Docker Swarm`, { hint: "choose another name" });
}
