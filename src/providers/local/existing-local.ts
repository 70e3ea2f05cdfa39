import { UserError } from "../../errors.ts";
import { readState } from "../state-file.ts";
import type { LocalState } from "../swarm-state.ts";

/** Returns the state of a local swarm. @throws {UserError} if there is no local swarm of this name. */
export async function existingLocal(name: string): Promise<LocalState> {
  const state = await localState(name);
  return state ?? missing(name);
}

/** Throws the error for a swarm that does not exist. */
export function missing(name: string): never {
  throw new UserError(`no swarm named ${name}`, { hint: "create one with: swarm-tool init --local" });
}

/** Returns the state of a local swarm, or undefined. @throws {UserError} if the swarm is of another kind. */
export async function localState(name: string): Promise<LocalState | undefined> {
  const state = await readState(name);
  if (state === undefined || state.target === "local") return state;
  throw new UserError(`the swarm ${name} is not on this machine`, { hint: "choose another name" });
}
