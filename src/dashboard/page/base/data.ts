/** The server's `Summary`: the figures of a campaign. Times are in ms. */
export interface Summary {
  id: string;
  user: string;
  study: string;
  config: string;
  createdAt: number;
  runs: number;
  cancelled: boolean;
  states: Record<string, number>;
  /** How many records have been read, of all in the folder. */
  reading?: { done: number; of: number };
  /** What could not be read of this campaign. */
  trouble?: string;
  /** Number of runs that later campaigns have executed again, by the ID of the campaign. */
  superseded?: Record<string, number>;
  actions?: Actions;
  uncollected: number;
  runsPerSecond?: number;
  eventsPerSecond?: number;
  leftMs?: number;
}

/** Which actions make sense. */
export interface Actions {
  cancel: boolean;
  /** Number of runs that would be executed again. */
  retry: number;
  /** Why not all unfinished runs are among them, and what to do. */
  hint?: string;
}

/** A run. Times are in ms; what is unknown is null. */
export interface Row {
  runNumber: number;
  state: string;
  /** Values of the campaign's iteration variables, in their order. */
  values: string[];
  repetition: number;
  startedAt: number | null;
  finishedAt: number | null;
  wallTimeMs: number | null;
  cpuTimeMs: number | null;
  memoryBytes: number | null;
  eventsPerSecond: number | null;
  percent: number | null;
  error: string | null;
  supersededBy: string | null;
  /** The machine that executes or has executed it. */
  worker: string | null;
  /** Numbers of the runs that are executed after this one in the same process. */
  batch: number[] | null;
}

/** What the server sends about a campaign: at first all rows, then those that have changed. */
export interface CampaignUpdate {
  swarm: SwarmBrief;
  summary: Summary;
  variables: string[];
  columns: string[];
  rows: unknown[][];
}

/** Returns the rows of an update. */
export function rowsOf({ columns, rows }: CampaignUpdate): Row[] {
  return rows.map(
    (values) => Object.fromEntries(columns.map((name, index) => [name, values[index]])) as unknown as Row,
  );
}

/** What the server sends about all campaigns. */
export interface Overview {
  swarm: SwarmBrief;
  campaigns: Summary[];
  /** Campaigns that cannot be shown, and why. */
  damaged?: { id: string; trouble: string }[];
}

/** The figures of the swarm that every page shows. */
export interface SwarmBrief {
  /** Number of runners that execute a run. */
  busy: number;
  /** Number of runs that all runners together execute concurrently. */
  slots?: number;
  /** The number of slots of each connected machine. */
  slotsOf: Record<string, number>;
  /** Estimated time until the last campaign has ended. */
  leftMs?: number;
  /** Number of campaigns about whose time left nothing is known. */
  unknown: number;
}

/** The swarm with its machines, queue and builds. */
export interface Swarm extends SwarmBrief {
  machines: Machine[];
  queue: { waiting: number; delayed: number; running: number; uncollected: number };
  builds: Build[];
}

export interface Machine {
  /** Empty for runs whose worker is unknown. */
  name: string;
  roles: string[];
  slots?: number;
  busy: number;
  /** Number of runs whose results are being stored. */
  storing: number;
  isConnected: boolean;
  /** Why its workers have stopped taking jobs. */
  troubles: string[];
}

export interface Build {
  state: "running" | "waiting";
  project: string;
  mode: string;
  omnetpp: string;
  host?: string;
  startedAt?: number;
  progress?: { started: number; total?: number; file?: string; elapsedMs: number; lastMs?: number };
}
