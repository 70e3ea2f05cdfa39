import type { DockerEndpoint } from "./docker-endpoint.ts";
import type { Services } from "./services.ts";

/** The change of the services that the user's options make; asked for only where there are services. */
export type ServiceChange = () => Promise<(services: Services) => Services>;

/** What a swarm is made with: each kind takes the options that it has. */
export interface InitOptions {
  services: ServiceChange;
  /** Runs at once on each machine. */
  runners?: number | undefined;
  /** URL of the user's own MongoDB for results, which holds a password. */
  mongoUrl?: (() => Promise<string>) | undefined;
  /** The Docker of the manager. */
  docker?: DockerEndpoint;
  machines?: MachineOptions;
}

/** The machines that are made at a cloud provider. */
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
