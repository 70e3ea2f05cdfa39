import { UserError } from "../../errors.ts";
import { nearest } from "../../model/near.ts";
import { repairState } from "../../providers/kinds/kinds.ts";
import { findOnOtherHosts, findAllSwarms, onOtherMachine } from "../../providers/list-swarms.ts";
import { readState, StateFileError } from "../../providers/state-file.ts";
import type { SwarmState } from "../../providers/swarm-state.ts";

/** How to get a swarm if there is none. */
export const WITHOUT_SWARM =
  "runall-swarm creates one on this machine when it needs one; for the other kinds, run: swarm-tool init";

/**
 * Returns the named swarm, else the only one.
 * @throws {UserError} if the name is unknown or no name is given and there are none or several.
 */
export async function namedOrOnly(name: string | undefined): Promise<SwarmState> {
  if (name !== undefined) {
    const state = name.includes("@") ? undefined : await readState(name);
    if (state !== undefined) return state;
    const [elsewhere] = await findOnOtherHosts(name);
    if (elsewhere !== undefined) throw onOtherMachine(elsewhere);
    throw await unknownSwarm(name);
  }
  const { swarms, unreadable, elsewhere } = await findAllSwarms();
  if (swarms.length === 1 && unreadable.length === 0) return swarms[0]!;
  if (swarms.length === 0 && unreadable.length === 1) throw unreadable[0]!.error;
  if (swarms.length + unreadable.length === 0) {
    if (elsewhere[0] !== undefined) throw onOtherMachine(elsewhere[0]);
    throw new UserError("no swarm exists", {
      hint: WITHOUT_SWARM,
    });
  }
  const names = [...swarms, ...unreadable].map((swarm) => swarm.name);
  throw new UserError(`there are several swarms: ${names.join(", ")}`, { hint: "name one of them" });
}

/** Returns the error for a swarm that does not exist; the hint names the one that may be meant. */
export async function unknownSwarm(name: string): Promise<UserError> {
  const names = (await findAllSwarms()).swarms.map((swarm) => swarm.name);
  const [near] = nearest(name, names);
  const meant = near === undefined ? "" : `did you mean ${near}? `;
  return new UserError(`no swarm named ${name}`, {
    hint: names.length > 0 ? `${meant}swarms here: ${names.join(", ")}` : `no swarm exists; ${WITHOUT_SWARM}`,
  });
}

/**
 * Returns the named swarm, else the only one. First restores the state file of a local swarm if it is
 * damaged, or missing while the swarm's processes are running.
 * @throws {UserError} as namedOrOnly does.
 */
export async function namedOrRepaired(
  name: string | undefined,
  { note }: { note: (text: string) => void },
): Promise<SwarmState> {
  try {
    return await namedOrOnly(name);
  } catch (error) {
    const swarm = error instanceof StateFileError ? error.swarm : name;
    if (!(error instanceof UserError) || swarm === undefined || swarm.includes("@")) throw error;
    if (!(await repairState(swarm, note))) throw error;
    return await namedOrOnly(swarm);
  }
}
