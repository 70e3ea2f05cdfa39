import type { BuildProgress } from "./build-progress.ts";

// What the dashboard's server sends and its page reads, where both have the same form. Unknown values are missing.

/** The figures of a campaign. Times are in ms. */
export interface Summary {
  id: string;
  user: string;
  study: string;
  config: string;
  createdAt: number;
  runs: number;
  cancelled: boolean;
  /**
   * Number of runs by state; their sum is `runs`. In addition to the states of runs, there are `without a record` (runs
   * without a job and without a record on this machine), `unread` (while records are being read) and `unreadable` (runs
   * whose entries in the queue are damaged).
   */
  states: Record<string, number>;
  /** How many records have been read, of all in the folder; undefined if all have been read. */
  reading?: { done: number; of: number } | undefined;
  /** What could not be read of this campaign; it is tried again. */
  trouble?: string | undefined;
  /** Number of runs that later campaigns have executed again, by the ID of the campaign: their files are not shown. */
  superseded: Record<string, number>;
  actions: Actions;
  /** Number of ended runs that no client has collected yet. */
  uncollected: number;
  runsPerSecond?: number | undefined;
  eventsPerSecond?: number | undefined;
  leftMs?: number | undefined;
}

/** Which actions make sense. */
export interface Actions {
  /** Whether runs are queued or running. */
  cancel: boolean;
  /** Number of runs that would be executed again. */
  retry: number;
  /** Why runs that have failed or were cancelled are not among them, and what to do; undefined if all are. */
  hint?: string | undefined;
}

/** All campaigns of the swarm. */
export interface Overview {
  swarm: SwarmBrief;
  /** Newest first. */
  campaigns: Summary[];
  /** Campaigns that are listed in the queue, but cannot be read, and why. */
  damaged: { id: string; trouble: string }[];
}

/** The figures of the swarm that every page shows. */
export interface SwarmBrief {
  /** Number of runners that execute a run. */
  busy: number;
  /** Number of runs that all runners together execute concurrently; undefined if it is unknown. */
  slots?: number | undefined;
  /** The number of slots of each connected machine that says it. */
  slotsOf: Record<string, number>;
  /** Estimated time until the last campaign has ended, in ms; undefined if no run is left, or nothing is known. */
  leftMs?: number | undefined;
  /** Number of campaigns with queued runs about whose time left nothing is known: they may end later. */
  unknown: number;
}

/** The swarm with its machines, queue and builds. */
export interface Swarm extends SwarmBrief {
  machines: Machine[];
  queue: QueueLength;
  builds: Build[];
}

/** A machine with its workers. */
export interface Machine {
  /** Empty for runs whose worker is unknown. */
  name: string;
  roles: ("runner" | "builder")[];
  slots?: number | undefined;
  busy: number;
  /** Number of runs whose simulations have ended, but whose results are being stored. */
  storing: number;
  /** False if it executes runs according to the queue, but is not connected. */
  isConnected: boolean;
  /** Why its workers have stopped taking jobs. */
  troubles: string[];
}

/** Number of jobs by state. */
export interface QueueLength {
  waiting: number;
  /** Held back by their campaign's limit of concurrent runs, or for a while because a worker has handed them back. */
  delayed: number;
  /** Taken by a worker. */
  running: number;
  /** Ended and not yet collected. */
  uncollected: number;
}

/** A build that is running or waiting. */
export interface Build {
  state: "running" | "waiting";
  /** Name of the checkout's folder, with the project's folder in it. */
  project: string;
  mode: string;
  omnetpp: string;
  /** The machine that builds; undefined while the build is waiting. */
  host?: string | undefined;
  /** In ms since 1970; undefined while the build is waiting. */
  startedAt?: number | undefined;
  progress?: BuildProgress | undefined;
}

/** What is known about a run in addition to its row; undefined entries are unknown. */
export interface RunDetails {
  worker?: string | undefined;
  /** From 1. */
  attempt?: number | undefined;
  seedSet?: string | undefined;
  reason?: string | undefined;
  /** The whole message. */
  error?: string | undefined;
  exitCode?: number | undefined;
  signal?: string | undefined;
  events?: number | undefined;
  /** In seconds. */
  simTime?: string | undefined;
  commit?: string | undefined;
  /** Number of files that differed from the commit. */
  changedFiles?: number | undefined;
  omnetpp?: string | undefined;
  files: RunFile[];
  /** Number of files that are not listed. */
  omittedFiles: number;
  /** Why the files, or some of them, are not here. */
  filesNote?: string | undefined;
  /** The command line that repeats the run on this machine. */
  local?: LocalCommand | undefined;
  /** Why there is no such command line. */
  localNote?: string | undefined;
}

export interface RunFile {
  path: string;
  sizeBytes: number;
  /** Why it cannot be downloaded. */
  problem?: string | undefined;
}

/** A command line for a shell, and what to know before executing it. */
export interface LocalCommand {
  command: string;
  notes: string[];
}
