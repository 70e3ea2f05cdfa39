import * as v from "valibot";
import { HostSchema } from "../system/host.ts";
import { lifeOf, ProcessIdentitySchema, type ProcessIdentity } from "../system/identity.ts";
import { ServicesSchema } from "./services.ts";

/** Of the state file. Raise it only if an earlier version must not read what this one writes: fields may be added. */
export const FORMAT = 1;

const common = {
  format: v.literal(FORMAT),
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
  /** Where its processes run; undefined if an earlier version wrote the file, on this host. */
  host: v.optional(HostSchema),
  runners: v.number(),
  /** Folder of the queue's unix socket. */
  socketDirectory: v.string(),
  /** Keeps builds and results in this MongoDB instead of in directories. */
  mongoUrl: v.optional(v.string()),
  processes: v.array(v.object({ role: v.string(), log: v.string(), ...ProcessIdentitySchema.entries })),
});
export type LocalState = v.InferOutput<typeof LocalStateSchema>;

/** The process that brings connections to the services of a Docker Swarm. */
const RelaySchema = v.object({
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
  /** Those of other hosts that share this file. */
  otherRelays: v.optional(v.array(RelaySchema)),
});
export type DockerState = v.InferOutput<typeof DockerStateSchema>;

/** The `ssh` process that forwards ports and Docker's socket of a manager to this machine. */
const TunnelSchema = v.object({
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
  /** Those of other hosts that share this file. */
  otherTunnels: v.optional(v.array(TunnelSchema)),
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

/** The same state with the tunnel or relay of this host, apart from those of others. */
export function asSeenHere(state: SwarmState): SwarmState {
  if (state.target === "aws") {
    const { tunnel, otherTunnels = [], ...rest } = state;
    const { own, others } = apart([...(tunnel ? [tunnel] : []), ...otherTunnels]);
    return { ...rest, ...(own && { tunnel: own }), ...(others.length > 0 && { otherTunnels: others }) };
  }
  if (state.target === "docker") {
    const { relay, otherRelays = [], ...rest } = state;
    const { own, others } = apart([...(relay ? [relay] : []), ...otherRelays]);
    return { ...rest, ...(own && { relay: own }), ...(others.length > 0 && { otherRelays: others }) };
  }
  return state;
}

function apart<P extends ProcessIdentity>(processes: readonly P[]): { own: P | undefined; others: P[] } {
  const own = processes.filter((each) => lifeOf(each) !== "elsewhere");
  return {
    own: own.find((each) => lifeOf(each) === "alive") ?? own[0],
    others: processes.filter((each) => lifeOf(each) === "elsewhere"),
  };
}
