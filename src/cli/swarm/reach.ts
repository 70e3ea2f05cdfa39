import type { ReachableSwarm } from "../../providers/reachable-swarm.ts";
import type { AwsState, DockerState } from "../../providers/swarm-state.ts";

/** How the services of a swarm that is elsewhere are reached now; undefined where it is not connected. */
export async function reachableSwarm(state: AwsState | DockerState): Promise<ReachableSwarm | undefined> {
  if (state.target === "aws") return (await import("../../providers/aws/swarm.ts")).reachable(state);
  const swarm = (await import("../../providers/docker/reachable.ts")).reachable(state);
  return Object.keys(swarm.ports).length > 0 ? swarm : undefined;
}
