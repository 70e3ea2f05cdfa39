import { UserError } from "../../errors.ts";
import { readState } from "../state-file.ts";
import type { LocalState } from "../swarm-state.ts";

export async function existingLocal(name: string): Promise<LocalState> {
  const state = await localState(name);
  return state ?? missing(name);
}

export function missing(name: string): never {
  throw new UserError(`no swarm named ${name}`, { hint: "create one with: swarm-tool init --local" });
}

export async function localState(name: string): Promise<LocalState | undefined> {
  const state = await readState(name);
  if (state === undefined || state.target === "local") return state;
  throw new UserError(`the swarm ${name} is not on this machine`, { hint: "choose another name" });
}
