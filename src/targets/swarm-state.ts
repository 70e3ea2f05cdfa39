import { readdir } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { errorCode, UserError } from "../errors.ts";
import { makeFolders, writeFileAtomically } from "../system/files.ts";
import { ProcessIdentitySchema } from "../system/identity.ts";
import { readJson } from "../system/json.ts";
import { cacheDirectory, stateDirectory } from "../system/paths.ts";
import { ServicesSchema } from "./docker/services.ts";

const common = {
  format: v.literal(1),
  name: v.string(),
  /** Who halted it: a swarm that halted itself for want of work is resumed without a question. */
  haltedBy: v.optional(v.picklist(["user", "idleness"])),
  /** What its queue held when it was halted. */
  jobs: v.optional(v.object({ waiting: v.number(), running: v.number(), uncollected: v.number() })),
};

const LocalStateSchema = v.object({
  ...common,
  target: v.literal("local"),
  state: v.picklist(["running", "halted"]),
  runners: v.number(),
  /** Folder of the queue's unix socket. */
  socketDirectory: v.string(),
  /** Keeps builds and results in this MongoDB instead of in directories. */
  mongoUrl: v.optional(v.string()),
  processes: v.array(v.object({ role: v.string(), log: v.string(), ...ProcessIdentitySchema.entries })),
});
export type LocalState = v.InferOutput<typeof LocalStateSchema>;

/** The process that brings connections to the services of a Docker Swarm. */
export const RelaySchema = v.object({
  ...ProcessIdentitySchema.entries,
  log: v.string(),
  /** Local port of each service, by its name. */
  ports: v.record(v.string(), v.number()),
});
export type Relay = v.InferOutput<typeof RelaySchema>;

const DockerStateSchema = v.object({
  ...common,
  target: v.literal("docker"),
  state: v.picklist(["creating", "running", "halted"]),
  /** Which Docker its manager is; that of the environment where neither is there. */
  docker: v.object({ host: v.optional(v.string()), context: v.optional(v.string()) }),
  services: ServicesSchema,
  relay: v.optional(RelaySchema),
});
export type DockerState = v.InferOutput<typeof DockerStateSchema>;

/** The `ssh` process that forwards ports and Docker's socket of a manager to this machine. */
export const TunnelSchema = v.object({
  ...ProcessIdentitySchema.entries,
  log: v.string(),
  /** Local port of each forward, by its name. */
  ports: v.record(v.string(), v.number()),
  /** Local unix socket at which the manager's Docker answers. */
  dockerSocket: v.string(),
});
export type Tunnel = v.InferOutput<typeof TunnelSchema>;

const AwsStateSchema = v.object({
  ...common,
  target: v.literal("aws"),
  /** `creating` until the stack is complete. */
  state: v.picklist(["creating", "running", "halted"]),
  region: v.string(),
  profile: v.optional(v.string()),
  /** Name of the CloudFormation stack. */
  stack: v.string(),
  keyName: v.string(),
  sshUser: v.string(),
  /** How many workers `resume` starts. */
  workers: v.number(),
  /** Of the data volume; it costs also while the swarm is halted. */
  volumeGiB: v.number(),
  /** In US dollars an hour, by instance type, as AWS's price list had them when the swarm was made. */
  prices: v.optional(v.record(v.string(), v.number())),
  tunnel: v.optional(TunnelSchema),
  /** Id of the machine that the tunnel leads to, or led to last. */
  manager: v.optional(v.string()),
  services: v.optional(ServicesSchema),
  /** Id of the manager on which they were deployed last. */
  deployedOn: v.optional(v.string()),
});
export type AwsState = v.InferOutput<typeof AwsStateSchema>;

/** What is known of a swarm; one file a swarm, readable by its user alone. */
export const SwarmStateSchema = v.variant("target", [LocalStateSchema, AwsStateSchema, DockerStateSchema]);
export type SwarmState = v.InferOutput<typeof SwarmStateSchema>;

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** Folders of a swarm: what must outlive a reboot, and what can be made again. */
export function swarmDirectories(name: string): { state: string; cache: string } {
  if (!NAME.test(name)) {
    throw new UserError(`${JSON.stringify(name)} cannot be the name of a swarm`, {
      hint: "a name begins with a letter and has letters, digits, - and _ alone",
    });
  }
  return {
    state: path.join(stateDirectory(), "swarms", name),
    cache: path.join(cacheDirectory(), "swarms", name),
  };
}

function stateFile(name: string): string {
  return path.join(swarmDirectories(name).state, "swarm.json");
}

export function readState(name: string): Promise<SwarmState | undefined> {
  return readJson(stateFile(name), SwarmStateSchema);
}

export async function writeState(state: SwarmState): Promise<void> {
  await makeFolders(swarmDirectories(state.name).state, 0o700);
  await writeFileAtomically(stateFile(state.name), `${JSON.stringify(state, undefined, 2)}\n`, 0o600);
}

/** All swarms that this user has, by name. */
export async function listSwarms(): Promise<SwarmState[]> {
  const names = await readdir(path.join(stateDirectory(), "swarms")).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  const states = await Promise.all(
    names
      .filter((name) => NAME.test(name))
      .sort()
      .map(readState),
  );
  return states.filter((state) => state !== undefined);
}
