import type { DockerEndpoint } from "./docker-endpoint.ts";
import type { JobCounts, SwarmAccess } from "./target.ts";

/** A Docker Swarm whose manager and services can be reached from this machine while a tunnel or relay is open. */
export interface ReachableSwarm {
  name: string;
  /** The Docker of its manager. */
  docker: DockerEndpoint;
  /** Whether we created its machines, so that nothing else runs on them. */
  isOurs: boolean;
  /** Expected number of machines besides the manager, which may not have joined yet (default: those that have joined). */
  workers?: number;
  /** Port on 127.0.0.1 of each deployed service, by its name. */
  ports: Readonly<Record<string, number>>;
}

/** Operations on a Docker Swarm that can be reached, independent of where its machines are. */
export interface SwarmDeployer {
  /** Deploys or updates the services; yields its steps. May be repeated. */
  deploy(swarm: ReachableSwarm, signal: AbortSignal | undefined): AsyncIterable<string>;
  /**
   * Removes the runners before the machines are stopped, so that they hand back their runs.
   * @returns the jobs that are then in the queue; undefined if it does not answer.
   */
  removeRunners(swarm: ReachableSwarm, signal: AbortSignal | undefined): Promise<JobCounts | undefined>;
  /**
   * Opens the swarm's queue and stores for a campaign.
   * @param onWaiting called with the reason for waiting if something does not answer.
   * @param gone aborted when the swarm has been removed, which stops all waiting for it.
   */
  access(
    swarm: ReachableSwarm,
    onWaiting: (reason: string) => void,
    gone?: AbortSignal,
  ): Promise<SwarmAccess>;
  /** Returns the jobs in the queue; undefined if it does not answer. */
  countJobs(swarm: ReachableSwarm): Promise<JobCounts | undefined>;
  /** Returns the host names of the runners that are connected to the queue; undefined if it does not tell. */
  connectedRunners(swarm: ReachableSwarm): Promise<string[] | undefined>;
  /**
   * Returns what is wrong with runners that should be connected to the queue by now, but are not.
   * @throws {UserError} if Docker does not answer.
   */
  unconnectedRunners(swarm: ReachableSwarm, signal: AbortSignal | undefined): Promise<string[]>;
}
