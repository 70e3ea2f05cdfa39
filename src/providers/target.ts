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

interface InitOptions {
  runners: number;
  /** Where builds and results are kept, if not in directories of this machine. Holds a password. */
  mongoUrl?: string | undefined;
}

interface MendOptions {
  signal?: AbortSignal | undefined;
  askSwarm?: boolean;
}

/** Told what was found damaged, and what was done about it. */
export type Report = (text: string) => void;

/** Where runs are made. Every method may be repeated: what is so already stays so. */
export interface Target {
  /** Whether `connect` would answer at once, with nothing to start. */
  isReady(): Promise<boolean>;
  /** Whether it is halted, if somebody else may have done that: then the state file does not say so. */
  isHalted?(): Promise<boolean>;
  /**
   * Starts again what has died of a running swarm; cheap enough for every few seconds.
   * @param how.askSwarm also looks at the swarm itself, which others may have halted or removed.
   * @returns what had died, as sentences.
   * @throws {SwarmRemoved} if there is nothing left of the swarm.
   * @throws {UserError} where the swarm is halted.
   */
  mend(how?: MendOptions): Promise<string[]>;
  /**
   * What a campaign needs; a process that died is started again.
   * @param onWaiting told why, when something does not answer for a while.
   * @param gone aborted when the swarm has been removed, which ends all waiting for it.
   */
  connect(onWaiting: (reason: string) => void, gone?: AbortSignal): Promise<SwarmAccess>;
  /** Ends all processes and keeps the data: queued runs go on after `resume`. */
  halt(): Promise<void>;
  resume(report?: Report): Promise<void>;
  /** Ends everything and deletes it. */
  remove(): Promise<void>;
  status(): Promise<SwarmStatus>;
}

export interface LocalTarget extends Target {
  /**
   * Writes a damaged state file again, or one that is missing while processes run.
   * @returns whether there was anything to repair.
   */
  repair(report: Report): Promise<boolean>;
  /** Makes the swarm, or completes one that is half made. */
  init(options: InitOptions, report?: Report): Promise<void>;
  status(): Promise<LocalStatus>;
}
