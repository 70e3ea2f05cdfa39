import type { DashboardPlace } from "../provider.ts";
import type { ReachableSwarm } from "../reachable-swarm.ts";
import { passwordsOf, portOf } from "./deployer.ts";

/**
 * Where the dashboard of a swarm is that runs on its manager; a tunnel or relay forwards it to this machine.
 * @throws {UserError} if it is not connected.
 */
export async function forwardedDashboard(swarm: ReachableSwarm): Promise<DashboardPlace> {
  const port = portOf(swarm, "dashboard");
  const { redis: password } = await passwordsOf(swarm);
  return { host: "localhost", port, secret: { type: "password", password } };
}
