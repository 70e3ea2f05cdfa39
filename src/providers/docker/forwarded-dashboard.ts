import type { DashboardPlace } from "../provider.ts";
import type { ReachableSwarm } from "../reachable-swarm.ts";
import { passwordsOf, portOf } from "./deployer.ts";

/**
 * Returns the local address to which a tunnel or relay forwards the dashboard on a swarm's manager.
 * @throws {UserError} if the swarm is not connected.
 */
export async function forwardedDashboard(swarm: ReachableSwarm): Promise<DashboardPlace> {
  const port = portOf(swarm, "dashboard");
  const { redis: password } = await passwordsOf(swarm);
  return { host: "localhost", port, secret: { type: "password", password } };
}
