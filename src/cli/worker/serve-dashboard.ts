import { openDashboard, type Dashboard } from "../../dashboard/server.ts";
import type { SwarmAccess } from "../../providers/target.ts";
import { errorLog, survive } from "./error-log.ts";
import { dashboardSources } from "./dashboard-sources.ts";

export interface ServeOptions {
  port: number;
  host?: string;
  /** Who has it may cancel and retry. */
  token: string;
  log: (text: string) => void;
}

/** The dashboard of a swarm; what it needs of the swarm is closed with it, and also where it cannot be opened. */
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
