import * as v from "valibot";
import { parseReport, type OutcomeState } from "../model/outcome.ts";
import type { RecordedRun } from "../model/recorded-runs.ts";
import { RunResultSchema, type RunRecord } from "../model/result.ts";
import type { JobFacts, KeptEnd } from "../queue/watched-jobs.ts";

/** A run in the table. It has only what is shown, because there is one for every run of a campaign. */
export interface Row {
  runNumber: number;
  state: "queued" | "running" | OutcomeState;
  /** Values of the campaign's iteration variables, in their order. */
  values: string[];
  repetition: number;
  startedAt?: number | undefined;
  finishedAt?: number | undefined;
  wallTimeMs?: number | undefined;
  cpuTimeMs?: number | undefined;
  memoryBytes?: number | undefined;
  events?: number | undefined;
  eventsPerSecond?: number | undefined;
  percent?: number | undefined;
  /** Wall time that was predicted from earlier campaigns, in ms, while the run is in the queue. */
  expectedMs?: number | undefined;
  /** First line of the error, truncated. */
  error?: string | undefined;
  /** The machine that executes or has executed it. */
  worker?: string | undefined;
  /** Id of a later campaign that has executed the run again. */
  supersededBy?: string | undefined;
  /** Numbers of the runs that are executed after this one in the same process. */
  batch?: readonly number[] | undefined;
  /**
   * From where the state is known: a job in the queue, a record in the study, what the queue keeps of a run that was
   * cancelled before it started (`unstarted`), or of one whose record is not here (`kept`).
   */
  origin?: "job" | "record" | "unstarted" | "kept";
}

/** Returns whether a run has ended. */
export function isEnded({ state }: Pick<Row, "state">): boolean {
  return state !== "queued" && state !== "running";
}

/** Returns whether nothing of a run has changed. */
export function isSameRow(a: Row, b: Row): boolean {
  const text = (value: Row[keyof Row]): unknown => (Array.isArray(value) ? value.join("\0") : value);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Row>;
  return [...names].every((name) => text(a[name]) === text(b[name]));
}

const LONGEST_ERROR = 200;

/** What is known about a run apart from its parameters. */
export type Facts = Omit<Row, "runNumber" | "values" | "repetition">;

/** Returns what a record contains about a collected run. */
export function factsOfRecord(record: RecordedRun): Facts {
  return {
    ...ended(record, record),
    startedAt: Date.parse(record.startedAt),
    finishedAt: Date.parse(record.finishedAt),
    worker: record.worker || undefined,
    supersededBy: record.supersededBy,
    origin: "record",
  };
}

/**
 * Returns what a job contains about a run in the queue.
 * @param active whether a worker has taken the job.
 */
export function factsOfJob(job: JobFacts, active: boolean): Facts {
  return { ...stateOfJob(job, active), expectedMs: job.expectedMs, origin: "job" };
}

/** Returns what the queue keeps about a run that has left it. */
export function factsOfEnd({ state, run }: KeptEnd): Facts {
  return { state, origin: run === undefined ? "kept" : "unstarted" };
}

function stateOfJob(job: JobFacts, active: boolean): Facts {
  const result = v.safeParse(RunResultSchema, job.result);
  if (job.finishedAt !== undefined && result.success) {
    const { outcome, usage, startedAt, finishedAt, worker } = result.output;
    return { ...ended(outcome, usage), startedAt, finishedAt, worker: worker || undefined };
  }
  if (job.finishedAt !== undefined) return { state: "lost", finishedAt: job.finishedAt };
  if (!active) return { state: "queued" };
  const running = { state: "running", startedAt: job.startedAt, worker: job.worker } as const;
  const report = parseReport(job.progress);
  if (report?.type === "batch") return { ...running, batch: report.runs };
  if (report?.type !== "progress") return running;
  const { percent, eventsPerSecond, events } = report;
  return { ...running, percent, eventsPerSecond, events };
}

function ended(
  { state, reason, error, events }: Pick<RunRecord, "state" | "reason" | "error" | "events">,
  { wallTimeMs, cpuTimeMs, peakMemoryBytes }: Pick<RunRecord, "wallTimeMs" | "cpuTimeMs" | "peakMemoryBytes">,
): Facts {
  const text = state === "done" ? undefined : (error ?? reason);
  return {
    state,
    wallTimeMs,
    cpuTimeMs,
    memoryBytes: peakMemoryBytes,
    events,
    eventsPerSecond:
      events === undefined || wallTimeMs === 0 ? undefined : Math.round((events * 1000) / wallTimeMs),
    error: text?.split("\n", 1)[0]?.slice(0, LONGEST_ERROR),
  };
}

/** Names of the values that `asArray` returns, in the same order. */
export const COLUMNS = [
  "runNumber",
  "state",
  "values",
  "repetition",
  "startedAt",
  "finishedAt",
  "wallTimeMs",
  "cpuTimeMs",
  "memoryBytes",
  "eventsPerSecond",
  "percent",
  "error",
  "supersededBy",
  "worker",
  "batch",
] as const satisfies (keyof Row)[];

/** Returns a row as it is sent to the page: the values of `COLUMNS`, null for unknown ones. */
export function asArray(row: Row): unknown[] {
  return COLUMNS.map((column) => row[column] ?? null);
}
