import type { DockerEndpoint } from "./docker-endpoint.ts";
import type { Services } from "./services.ts";

/** Returns the change that the user's options make to the services; called only for swarms with services. */
export type ServiceChange = () => Promise<(services: Services) => Services>;

/** Options for creating a swarm. Each kind of swarm uses those that apply to it. */
export interface InitOptions {
  services: ServiceChange;
  /** Number of concurrent runs on each machine. */
  runners?: number | undefined;
  /** Returns the URL of the user's own MongoDB for results, which contains a password. */
  mongoUrl?: (() => Promise<string>) | undefined;
  /** The Docker of the manager. */
  docker?: DockerEndpoint;
  machines?: MachineOptions;
}

/** The machines to create at a cloud provider. */
interface MachineOptions {
  workers: number;
  instanceType: string;
  managerType: string;
  region?: string | undefined;
  profile?: string | undefined;
  sshCidr?: string | undefined;
  spot: boolean;
  maxHours: number;
  idleMinutes: number;
  volumeGiB: number;
  template?: string | undefined;
  sshUser: string;
}
