import { openDashboard, type Dashboard } from "../../dashboard/server.ts";
import type { SwarmAccess } from "../../providers/target.ts";
import { errorLog, survive } from "./error-log.ts";
import { dashboardSources } from "./dashboard-sources.ts";

export interface ServeOptions {
  port: number;
  host?: string;
  /** Secret that a request must contain to cancel or retry runs. */
  token: string;
  log: (text: string) => void;
}

/** Starts the dashboard of a swarm. Closes the access to the swarm with it, or if it cannot be started. */
export async function serveDashboard(swarm: SwarmAccess, options: ServeOptions): Promise<Dashboard> {
  const onError = errorLog(options.log);
  const surviving = survive(onError);
  try {
    const served = await openDashboard({
      ...options,
      connection: swarm.queue,
      sources: dashboardSources(swarm),
      onError,
    });
    return {
      ...served,
      async [Symbol.asyncDispose]() {
        await served[Symbol.asyncDispose]();
        await swarm[Symbol.asyncDispose]();
        surviving[Symbol.dispose]();
      },
    };
  } catch (error) {
    surviving[Symbol.dispose]();
    await swarm[Symbol.asyncDispose]();
    throw error;
  }
}
