import type { Summary, SwarmBrief } from "../../../model/dashboard.ts";

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
