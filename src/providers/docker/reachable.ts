import type { ReachableSwarm } from "../reachable-swarm.ts";
import type { DockerState } from "../swarm-state.ts";
import { isRelaying } from "./relay-process.ts";

/** Returns a swarm as it can be reached through its relay; without ports if the relay is not running. */
export function reachable({ name, docker, relay }: DockerState): ReachableSwarm {
  return { name, docker, isOurs: false, ports: isRelaying(relay) ? relay.ports : {} };
}
