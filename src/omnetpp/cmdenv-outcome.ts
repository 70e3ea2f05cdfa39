import type { Outcome, OutcomeState } from "../model/outcome.ts";

/** How a process ended. */
export interface ProcessEnd {
  /** null where a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** We ended it because of our own limit. */
  timedOut: boolean;
  /** We ended it because the user wanted so. */
  cancelled: boolean;
  outOfMemory: boolean;
}

/** What a run said about itself. */
export interface RunReport {
  /** It was started by a process that is silent (`-s`). */
  silent: boolean;
  /** Why it ended, where that was printed: `Simulation time limit reached`. */
  termination?: string;
  /** Its first error. */
  error?: string;
  /** Its first marked line of no known kind; an error where the process failed. */
  alert?: string;
  fingerprintMismatch?: string;
  /** The file that has its error. */
  seeFile?: string;
  /** The file that has its output. */
  redirectedTo?: string;
  events?: number;
  simTime?: string;
  /** Another run followed, or the batch's statistics: it had ended, whatever became of the process. */
  closed: boolean;
}

const LIMITS = ["CPU time limit reached", "Realtime limit reached", "Scheduler interrupted while waiting"];
const INTERRUPTED = "SIGINT or SIGTERM received, exiting";

interface Verdict {
  state: OutcomeState;
  reason: string;
  error?: string | undefined;
}

/**
 * Decides how a run ended. In doubt a run is not `done`: what is cut off must never pass for a whole result.
 */
export function decideOutcome(report: RunReport, end: ProcessEnd): Outcome {
  const { state, reason, error } = verdict(report, end);
  return {
    state,
    reason,
    ...(error !== undefined && { error }),
    ...(end.exitCode !== null && { exitCode: end.exitCode }),
    ...(end.signal !== null && { signal: end.signal }),
    ...(report.events !== undefined && { events: report.events }),
    ...(report.simTime !== undefined && { simTime: report.simTime }),
  };
}

function verdict(report: RunReport, end: ProcessEnd): Verdict {
  const error = ownError(report, end);
  if (!endedByItself(report, end)) return fromOutside(end, report, error);
  if (report.termination === INTERRUPTED) return { state: "crashed", reason: INTERRUPTED, error };
  if (error !== undefined) return { state: "failed", reason: report.termination ?? exitOf(end), error };
  if (report.termination === undefined) return withoutTermination(report, end);
  return { state: LIMITS.includes(report.termination) ? "limited" : "done", reason: report.termination };
}

/** Its error, a wrong fingerprint (6.x ends with exit code 0 then), or what it printed before it failed. */
function ownError(report: RunReport, end: ProcessEnd): string | undefined {
  const { error, fingerprintMismatch, alert, seeFile } = report;
  const elsewhere = seeFile === undefined ? undefined : `see ${seeFile} for details`;
  return error ?? fingerprintMismatch ?? elsewhere ?? (end.exitCode === 1 ? alert : undefined);
}

/**
 * Whether the run came to an end of its own. Exit code 2 is OMNeT++'s after SIGINT or SIGTERM, which call
 * finish() and leave files that nothing marks as cut off. A run that was cancelled too late, when it had
 * already ended in the regular way, has whole results.
 */
function endedByItself(report: RunReport, end: ProcessEnd): boolean {
  const interrupted = report.termination === INTERRUPTED;
  if (report.closed && !interrupted) return true;
  if (end.cancelled || end.timedOut || end.outOfMemory) {
    return end.exitCode === 0 && report.termination !== undefined && !interrupted;
  }
  return end.exitCode === 0 || (end.exitCode === 1 && ownError(report, end) !== undefined);
}

function fromOutside(end: ProcessEnd, { termination }: RunReport, error: string | undefined): Verdict {
  if (end.outOfMemory) return { state: "out-of-memory", reason: "killed: out of memory" };
  if (end.cancelled) return { state: "cancelled", reason: "cancelled" };
  if (end.timedOut) return { state: "timeout", reason: "wall-clock limit reached" };
  return { state: "crashed", reason: termination === INTERRUPTED ? INTERRUPTED : exitOf(end), error };
}

function exitOf({ exitCode, signal }: ProcessEnd): string {
  return signal === null ? `exit code ${exitCode ?? "unknown"}` : `killed by ${signal}`;
}

/**
 * No error, and no line that says why the run ended. 7.0 under `-s` prints none, so that the exit code has to
 * do there, and a CPU- or real-time limit goes unseen: a worker does not use `-s`. Elsewhere the line is
 * missing where the output went to a file, or where the model itself ended the process.
 */
function withoutTermination({ silent, redirectedTo }: RunReport, end: ProcessEnd): Verdict {
  if (silent) return { state: "done", reason: "ended without an error" };
  if (redirectedTo !== undefined) return { state: "limited", reason: `see ${redirectedTo} for the reason` };
  return { state: "crashed", reason: `${exitOf(end)}, but the simulation did not report its end` };
}
