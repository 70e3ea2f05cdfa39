import { UserError } from "../../errors.ts";
import { isAlive } from "../../system/identity.ts";
import { poll } from "../../system/poll.ts";
import { readDashboardFile, type DashboardFile } from "../dashboard-file.ts";
import type { DashboardPlace } from "../provider.ts";

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** Returns the read-only URL of a swarm's dashboard, without the token; undefined if the dashboard is not running. */
export async function dashboardAddress(name: string): Promise<string | undefined> {
  const file = await readDashboardFile(name);
  return file !== undefined && isAlive(file) ? `http://${file.loopback}:${file.port}/` : undefined;
}

/** Waits until the dashboard of a running swarm is available. @throws {UserError} if it does not start in time. */
export async function dashboardPlace(name: string, signal: AbortSignal): Promise<DashboardPlace> {
  const published = async (): Promise<DashboardFile | undefined> => {
    const file = await readDashboardFile(name);
    return file !== undefined && isAlive(file) ? file : undefined;
  };
  const file = await poll(published, { everyMs: POLL_MS, timeoutMs: READY_TIMEOUT_MS, signal });
  if (file !== undefined)
    return { host: file.loopback, port: file.port, secret: { type: "token", token: file.token } };
  throw new UserError(`the dashboard of the swarm ${name} is not running`, {
    hint: `start it with: swarm-tool resume ${name}`,
  });
}
