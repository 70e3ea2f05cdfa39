import type { ReachableSwarm } from "../reachable-swarm.ts";
import type { DockerState } from "../swarm-state.ts";
import { isRelaying } from "./relay-process.ts";

/** How a swarm is reached as long as its relay runs; without ports if it does not. */
export function reachable({ name, docker, relay }: DockerState): ReachableSwarm {
  return { name, docker, isOurs: false, ports: isRelaying(relay) ? relay.ports : {} };
}
