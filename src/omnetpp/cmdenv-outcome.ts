import type { Outcome, OutcomeState } from "../model/outcome.ts";

/** How a process ended. */
export interface ProcessEnd {
  /** null if a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** We stopped it at the wall-clock limit. */
  timedOut: boolean;
  /** We stopped it because the user cancelled the run. */
  cancelled: boolean;
  outOfMemory: boolean;
}

/** What the output of a run reports. */
export interface RunReport {
  /** The process prints only little (`-s`). */
  silent: boolean;
  /** Why the run ended, if that was printed: `Simulation time limit reached`. */
  termination?: string;
  /** The first error. */
  error?: string;
  /** The first marked line of an unknown kind; an error if the process failed. */
  alert?: string;
  fingerprintMismatch?: string;
  /** The file that contains the error. */
  seeFile?: string;
  /** The file that contains the output. */
  redirectedTo?: string;
  events?: number;
  simTime?: string;
  /**
   * The output of another run or the statistics of the batch
   * followed: this run had ended, however the process ended.
   */
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
 * Returns how a run ended. In case of doubt, the run is not `done`: truncated results must never pass for
 * complete ones.
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

/**
 * Returns the run's error, a fingerprint mismatch (with which
 * 6.x exits with code 0), or a marked line before a failure.
 */
function ownError(report: RunReport, end: ProcessEnd): string | undefined {
  const { error, fingerprintMismatch, alert, seeFile } = report;
  const elsewhere = seeFile === undefined ? undefined : `see ${seeFile} for details`;
  return error ?? fingerprintMismatch ?? elsewhere ?? (end.exitCode === 1 ? alert : undefined);
}

/**
 * Returns whether the run ended by itself. Exit code 2 is OMNeT++'s after SIGINT or SIGTERM, which call
 * finish() and leave truncated files that are not marked as such. A run that had already ended regularly when
 * it was cancelled has complete results.
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
 * Returns the outcome of a run without an error and without a line that names the reason for its end. With
 * `-s`, 7.0 prints no such line: only the exit code counts, and CPU- and real-time limits go unnoticed, so
 * workers do not use `-s`. Otherwise, the line is missing if the output went to a file, or if the model
 * itself ended the process.
 */
function withoutTermination({ silent, redirectedTo }: RunReport, end: ProcessEnd): Verdict {
  if (silent) return { state: "done", reason: "ended without an error" };
  if (redirectedTo !== undefined) return { state: "limited", reason: `see ${redirectedTo} for the reason` };
  return { state: "crashed", reason: `${exitOf(end)}, but the simulation did not report its end` };
}
