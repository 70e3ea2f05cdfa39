import { UserError } from "../errors.ts";
import { describeHost, relationOf, type Host } from "../system/host.ts";
import { readState, readStateIn } from "./state-file.ts";
import { directoriesOf, swarmFolders } from "./swarm-folders.ts";
import type { LocalState, SwarmState } from "./swarm-state.ts";

/** A swarm on another machine that shares the home directory: it is listed but never changed. */
export interface OtherHostSwarm {
  /** Its name on this machine, `NAME@HOST`. */
  label: string;
  folder: string;
  machine: string;
  host: Host;
  state: LocalState;
}

/** A swarm whose state file cannot be read. */
interface UnreadableSwarm {
  name: string;
  error: UserError;
}

/** All swarms of this user, including those that cannot be read. */
export interface KnownSwarms {
  swarms: SwarmState[];
  elsewhere: OtherHostSwarm[];
  unreadable: UnreadableSwarm[];
}

/** Returns the swarms that can be used from this host, sorted by name. Those that cannot be read are left out. */
export async function listSwarms(): Promise<SwarmState[]> {
  return (await findAllSwarms()).swarms;
}

/** Returns all swarms of this user, sorted by name. */
export async function findAllSwarms(): Promise<KnownSwarms> {
  const known: KnownSwarms = { swarms: [], elsewhere: [], unreadable: [] };
  const folders = swarmFolders();
  const foreign = folders.filter(({ host }) => relationOf(host) === "elsewhere");
  const names = [...new Set(folders.filter((each) => !foreign.includes(each)).map(({ name }) => name))];
  for (const name of names) {
    await collect(name, known, async () => {
      const state = await readState(name);
      if (state !== undefined) known.swarms.push(state);
    });
  }
  for (const { folder, name, host } of foreign) {
    const label = `${name}@${host!.name}`;
    await collect(label, known, async () => {
      const state = await readStateIn(label, directoriesOf(folder).state);
      if (state?.target !== "local") return; // removed or changed in the meantime
      known.elsewhere.push({ label, folder, machine: describeHost(host!), host: host!, state });
    });
  }
  return known;
}

async function collect(name: string, known: KnownSwarms, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    known.unreadable.push({ name, error });
  }
}

/** Returns the swarms of other machines with this name. @param given `NAME` or `NAME@HOST`. */
export async function findOnOtherHosts(given: string): Promise<OtherHostSwarm[]> {
  const { elsewhere } = await findAllSwarms();
  return elsewhere.filter(({ label, state }) => given === label || given === state.name);
}

/** Returns the error for a swarm of another machine that shares the home directory, with what the user can do. */
export function onOtherMachine({ label, machine, state }: OtherHostSwarm): UserError {
  return new UserError(
    `the swarm ${state.name} is on ${machine}, not on this machine; its processes cannot be reached from here`,
    {
      hint: `run the command on ${machine}, or create a swarm on this machine: swarm-tool init --local ${state.name}; if that machine no longer exists, run: swarm-tool remove ${label} --forget`,
    },
  );
}
