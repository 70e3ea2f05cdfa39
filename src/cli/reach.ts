import type { ReachableSwarm } from "../targets/reachable-swarm.ts";
import type { AwsState, DockerState } from "../targets/swarm-state.ts";

/** How the services of a swarm that is elsewhere are reached now; undefined where it is not connected. */
export async function reachableSwarm(state: AwsState | DockerState): Promise<ReachableSwarm | undefined> {
  if (state.target === "aws") return (await import("../targets/aws/swarm.ts")).reachable(state);
  const swarm = (await import("../targets/docker/reachable.ts")).reachable(state);
  return Object.keys(swarm.ports).length > 0 ? swarm : undefined;
}
