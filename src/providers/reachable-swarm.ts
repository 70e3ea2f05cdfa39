import type { DockerEndpoint } from "./docker-endpoint.ts";
import type { JobCounts, SwarmAccess } from "./target.ts";

/** A Docker Swarm whose manager and services are reached from this machine, as long as a tunnel or relay is open. */
export interface ReachableSwarm {
  name: string;
  /** The Docker of its manager. */
  docker: DockerEndpoint;
  /** Its machines were made by us, and nothing else runs there. */
  isOurs: boolean;
  /** How many machines it is to have beside its manager, also before they have joined; undefined: those that Docker has. */
  workers?: number;
  /** Port on 127.0.0.1 at which a service answers, where it is deployed. */
  ports: Readonly<Record<string, number>>;
}

/** What is done with a Docker Swarm once it can be reached; the same wherever its machines are. */
export interface SwarmDeployer {
  /** Deploys the services, or brings them up to date; says what it does. May be repeated. */
  deploy(swarm: ReachableSwarm, signal: AbortSignal | undefined): AsyncIterable<string>;
  /**
   * Takes the runners away before the machines go, so that they hand back what they have.
   * @returns what is in the queue then; undefined where it does not answer.
   */
  removeRunners(swarm: ReachableSwarm, signal: AbortSignal | undefined): Promise<JobCounts | undefined>;
  /**
   * What a campaign needs.
   * @param onWaiting told why, when something does not answer for a while.
   * @param gone aborted when the swarm has been removed, which ends all waiting for it.
   */
  access(
    swarm: ReachableSwarm,
    onWaiting: (reason: string) => void,
    gone?: AbortSignal,
  ): Promise<SwarmAccess>;
  /** Undefined where the queue does not answer. */
  countJobs(swarm: ReachableSwarm): Promise<JobCounts | undefined>;
}
