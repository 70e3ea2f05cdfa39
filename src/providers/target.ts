import type { BuildStore } from "../stores/build-store.ts";
import type { SourceStore } from "../stores/source-store.ts";
import type { ResultStore } from "../stores/store.ts";
import type { QueueConnection } from "../queue/names.ts";

/** What a campaign needs of a swarm. */
export interface SwarmAccess extends AsyncDisposable {
  name: string;
  queue: QueueConnection;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
  /** Aborted when the swarm has been removed: then what waits for it fails with its reason. */
  gone?: AbortSignal | undefined;
}

/** One process of a swarm, as `status` shows it. */
interface ProcessStatus {
  role: string;
  alive: boolean;
  pid: number;
  log: string;
}

export interface JobCounts {
  waiting: number;
  running: number;
  uncollected: number;
  /** Workers that take no jobs now, and why, each in one line; undefined if there is none. */
  troubles?: string[] | undefined;
}

/** A line, or some, of what `status` shows of a swarm. */
export type StatusLine =
  | { type: "text"; text: string }
  | { type: "table"; rows: readonly (readonly string[])[] }
  /** What the queue holds. */
  | { type: "queue" };

/** What `status` tells of every swarm. */
export interface SwarmStatus {
  name: string;
  target: "local" | "aws" | "docker";
  /** Broken: a process or machine has ended, or the queue does not answer. */
  state: "running" | "halted" | "broken" | "creating";
  /** Of a halted swarm what it held then; undefined where the queue does not answer. */
  jobs: JobCounts | undefined;
}

export interface LocalStatus extends SwarmStatus {
  target: "local";
  runners: number;
  processes: ProcessStatus[];
  directories: string[];
  /** Its address; undefined where it does not run. */
  dashboard: string | undefined;
}

export interface DockerStatus extends SwarmStatus {
  target: "docker";
  /** Which Docker its manager is. */
  docker: string;
  stack: string;
  machines: readonly { hostname: string; role: "manager" | "worker"; status: string; availability: string }[];
  services: readonly {
    name: string;
    running: number;
    desired: number;
    image: string;
    /** Why less of it runs than should. */
    trouble?: string;
  }[];
  /** Local port of each service; undefined where the relay does not run. */
  ports: Readonly<Record<string, number>> | undefined;
}

/** Told what was found damaged, and what was done about it. */
export type Report = (text: string) => void;
