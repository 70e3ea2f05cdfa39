import { UserError } from "../errors.ts";
import { listSwarms, readState, type SwarmState } from "../targets/swarm-state.ts";

/**
 * The swarm that is named, else the only one.
 * @throws {UserError} where there are several, or none.
 */
export async function namedOrOnly(name: string | undefined): Promise<SwarmState> {
  if (name !== undefined) {
    const state = await readState(name);
    if (state !== undefined) return state;
    throw new UserError(`there is no swarm ${name}`, {
      hint: "swarm-tool status lists those that there are; swarm-tool init makes one",
    });
  }
  const swarms = await listSwarms();
  if (swarms.length === 1) return swarms[0]!;
  if (swarms.length === 0) {
    throw new UserError("there is no swarm", {
      hint: "make one with: swarm-tool init, or swarm-tool init --local on this machine",
    });
  }
  throw new UserError(`there are several swarms: ${swarms.map((swarm) => swarm.name).join(", ")}`, {
    hint: "name one of them",
  });
}
