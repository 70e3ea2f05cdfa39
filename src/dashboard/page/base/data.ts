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
}

/** What the server sends about a campaign: at first all rows, then those that have changed. */
export interface CampaignUpdate {
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
  campaigns: Summary[];
  /** Campaigns that cannot be shown, and why. */
  damaged?: { id: string; trouble: string }[];
}
