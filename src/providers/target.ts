import type { BuildStore } from "../stores/build-store.ts";
import type { SourceStore } from "../stores/source-store.ts";
import type { ResultStore } from "../stores/store.ts";
import type { QueueConnection } from "../queue/names.ts";

/** Queue and stores of a swarm, as a campaign needs them. */
export interface SwarmAccess extends AsyncDisposable {
  name: string;
  queue: QueueConnection;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
  /** Aborted when the swarm has been removed: whatever waits for it then fails with the signal's reason. */
  gone?: AbortSignal | undefined;
}

/** A process of a swarm, for `swarm-tool status`. */
interface ProcessStatus {
  role: string;
  alive: boolean;
  pid: number;
  log: string;
}

/** Number of jobs in a swarm's queue, runs and builds together; `uncollected` are runs that have ended. */
export interface JobCounts {
  waiting: number;
  running: number;
  uncollected: number;
  /** One line for each worker that has stopped taking jobs, with the reason; undefined if there are none. */
  troubles?: string[] | undefined;
}

/** One or more lines of `swarm-tool status`. */
export type StatusLine =
  | { type: "text"; text: string }
  | { type: "table"; rows: readonly (readonly string[])[] }
  /** The number of jobs in the queue. */
  | { type: "queue" };

/** Status of a swarm of any kind. */
export interface SwarmStatus {
  name: string;
  target: "local" | "aws" | "docker";
  /** `broken`: a process or machine has ended, or the queue does not answer. */
  state: "running" | "halted" | "broken" | "creating";
  /** Jobs in the queue, for a halted swarm when it was halted; undefined if the queue does not answer. */
  jobs: JobCounts | undefined;
}

export interface LocalStatus extends SwarmStatus {
  target: "local";
  runners: number;
  processes: ProcessStatus[];
  /** The folder of the queue and the results, and that of the builds and working trees. */
  directories: [data: string, cache: string];
  /** URL of the dashboard; undefined if it is not running. */
  dashboard: string | undefined;
}

export interface DockerStatus extends SwarmStatus {
  target: "docker";
  /** Description of the manager's Docker. */
  docker: string;
  stack: string;
  machines: readonly { hostname: string; role: "manager" | "worker"; status: string; availability: string }[];
  services: readonly {
    name: string;
    running: number;
    desired: number;
    image: string;
    /** Why fewer replicas are running than desired, or on which machines they do not reach the queue. */
    trouble?: string;
  }[];
  /** Local port of each service; undefined if the relay is not running. */
  ports: Readonly<Record<string, number>> | undefined;
}

/** Called with a description of what was damaged and how it was repaired. */
export type Report = (text: string) => void;
