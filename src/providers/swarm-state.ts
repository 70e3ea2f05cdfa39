import * as v from "valibot";
import { HostSchema } from "../system/host.ts";
import { lifeStatus, ProcessIdentitySchema, type ProcessIdentity } from "../system/identity.ts";
import { ServicesSchema } from "./services.ts";

/** Format of the state file. Raise it only if earlier versions must not read the file; not for additional fields. */
export const FORMAT = 1;

const common = {
  format: v.literal(FORMAT),
  name: v.string(),
  /** A swarm that halted itself because it was idle is resumed without asking. */
  haltedBy: v.optional(v.picklist(["user", "idleness"])),
  /** The jobs in its queue when it was halted. */
  jobs: v.optional(v.object({ waiting: v.number(), running: v.number(), uncollected: v.number() })),
};

const LocalStateSchema = v.object({
  ...common,
  target: v.literal("local"),
  state: v.picklist(["running", "halted"]),
  /** Where its processes run; undefined if the file was written on this host by an earlier version. */
  host: v.optional(HostSchema),
  runners: v.number(),
  /** Folder of the queue's Unix socket. */
  socketDirectory: v.string(),
  /** URL of the MongoDB that stores builds and results instead of directories. */
  mongoUrl: v.optional(v.string()),
  processes: v.array(v.object({ role: v.string(), log: v.string(), ...ProcessIdentitySchema.entries })),
});
export type LocalState = v.InferOutput<typeof LocalStateSchema>;

/** The process that forwards connections to the services of a Docker Swarm. */
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
  /** The manager's Docker; if neither is set, that of the environment. */
  docker: v.object({ host: v.optional(v.string()), context: v.optional(v.string()) }),
  services: ServicesSchema,
  relay: v.optional(RelaySchema),
  /** Relays of other hosts that share this file. */
  otherRelays: v.optional(v.array(RelaySchema)),
});
export type DockerState = v.InferOutput<typeof DockerStateSchema>;

/** The `ssh` process that forwards the ports and the Docker socket of a manager to this machine. */
const TunnelSchema = v.object({
  ...ProcessIdentitySchema.entries,
  log: v.string(),
  /** Local port of each forward, by its name. */
  ports: v.record(v.string(), v.number()),
  /** Local Unix socket of the manager's Docker. */
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
  /** Number of workers that `resume` starts. */
  workers: v.number(),
  /** Size of the data volume, which also costs money while the swarm is halted. */
  volumeGiB: v.number(),
  /** Hours after which the swarm is halted in any case, counted from each start. */
  maxHours: v.optional(v.number()),
  /** Prices in US dollars per hour by instance type, from AWS's price list when the swarm was created. */
  prices: v.optional(v.record(v.string(), v.number())),
  tunnel: v.optional(TunnelSchema),
  /** Tunnels of other hosts that share this file. */
  otherTunnels: v.optional(v.array(TunnelSchema)),
  /** Instance ID of the machine to which the current or last tunnel leads. */
  manager: v.optional(v.string()),
  services: v.optional(ServicesSchema),
  /** Instance ID of the manager on which the services were last deployed. */
  deployedOn: v.optional(v.string()),
});
export type AwsState = v.InferOutput<typeof AwsStateSchema>;

/** State of a swarm. Each swarm has one file, which is readable only by the user. */
export const SwarmStateSchema = v.variant("target", [LocalStateSchema, AwsStateSchema, DockerStateSchema]);
export type SwarmState = v.InferOutput<typeof SwarmStateSchema>;

/** Returns a state in which `tunnel` or `relay` is that of this host, separate from those of other hosts. */
export function asSeenHere(state: SwarmState): SwarmState {
  if (state.target === "aws") {
    const { tunnel, otherTunnels = [], ...rest } = state;
    const { own, others } = separate([...(tunnel ? [tunnel] : []), ...otherTunnels]);
    return { ...rest, ...(own && { tunnel: own }), ...(others.length > 0 && { otherTunnels: others }) };
  }
  if (state.target === "docker") {
    const { relay, otherRelays = [], ...rest } = state;
    const { own, others } = separate([...(relay ? [relay] : []), ...otherRelays]);
    return { ...rest, ...(own && { relay: own }), ...(others.length > 0 && { otherRelays: others }) };
  }
  return state;
}

function separate<P extends ProcessIdentity>(processes: readonly P[]): { own: P | undefined; others: P[] } {
  const own = processes.filter((each) => lifeStatus(each) !== "elsewhere");
  return {
    own: own.find((each) => lifeStatus(each) === "alive") ?? own[0],
    others: processes.filter((each) => lifeStatus(each) === "elsewhere"),
  };
}
