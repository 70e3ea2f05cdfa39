import type { Outcome, Progress } from "../model/outcome.ts";
import { parseLine, type CmdenvLine } from "./cmdenv-lines.ts";
import { decideOutcome, type ProcessEnd, type RunReport } from "./cmdenv-outcome.ts";
import { LineSplitter } from "./line-splitter.ts";

export type { ProcessEnd } from "./cmdenv-outcome.ts";

export interface CmdenvListener {
  /** A run is announced; before that, code and NED files were loaded. */
  onBegun?: () => void;
  /** @param runNumber undefined if the output did not name the run. */
  onProgress?: (runNumber: number | undefined, progress: Progress) => void;
  /** Further output goes to a file, whose path is relative to the simulation's directory. */
  onRedirected?: (file: string) => void;
}

/**
 * Parses the output of one simulation process as it arrives, and determines how each of its runs ended. A
 * process may execute several runs, one after the other (`-r 0,5,9`).
 */
export class CmdenvOutput {
  readonly #listener: CmdenvListener;
  readonly #runs = new Map<number, RunReport>();
  /** What was printed before the first run was announced. */
  readonly #before: RunReport = { silent: false, closed: false };
  #current: { runNumber: number | undefined; report: RunReport };
  /** The first line of a status block, until the second line completes it. */
  #status: Progress | undefined;
  readonly #stdout = new LineSplitter((line) => this.#read(line));
  readonly #stderr = new LineSplitter((line) => this.#read(line));
  readonly #file = new LineSplitter((line) => this.#read(line));

  constructor(listener: CmdenvListener = {}) {
    this.#listener = listener;
    this.#current = { runNumber: undefined, report: this.#before };
  }

  /**
   * Parses a piece of output.
   * @param stream source of the text; incomplete lines of different sources are kept apart.
   */
  write(chunk: string, stream: "stdout" | "stderr" | "file" = "stdout"): void {
    const streams = { stdout: this.#stdout, stderr: this.#stderr, file: this.#file };
    streams[stream].write(chunk);
  }

  /**
   * Returns the file that contains the output of a run if the configuration redirects it; relative to the
   * simulation's directory.
   */
  redirectedTo(runNumber: number): string | undefined {
    return this.#runs.get(runNumber)?.redirectedTo;
  }

  /**
   * Returns how a run ended; to be called when the process has ended and all its output was passed to
   * `write`. If the process ended before it started any run, this is the outcome of each run.
   * @param isOnly the process had no other run: then everything
   *   that the process did counts, whatever the model printed.
   */
  outcomeOf(runNumber: number, end: ProcessEnd, isOnly = false): Outcome {
    this.#end();
    const report = this.#runs.get(runNumber);
    if (report !== undefined && isOnly) report.closed = false;
    if (report !== undefined)
      return decideOutcome(end.exitCode === 0 ? report : this.#withStartupError(report), end);
    if (this.#runs.size > 0) return neverStarted(end);
    return decideOutcome(this.#before, end);
  }

  #end(): void {
    this.#stdout.end();
    this.#stderr.end();
    this.#file.end();
    this.#reportStatus();
  }

  /**
   * Returns the report of a run with an error that was printed before the first run: through another pipe,
   * the error that ended the last run can arrive before the line that announced this run.
   */
  #withStartupError(report: RunReport): RunReport {
    const last = report === this.#current.report && !report.closed;
    if (!last || report.termination !== undefined || report.error !== undefined) return report;
    return { ...this.#before, ...report };
  }

  #read(text: string): void {
    const line = parseLine(text);
    if (line?.type !== "speed") this.#reportStatus();
    if (line !== undefined) this.#take(line);
  }

  #take(line: CmdenvLine): void {
    const { report } = this.#current;
    switch (line.type) {
      case "run":
        return this.#startRun(line.runNumber, line.silent);
      case "status":
        return this.#takeStatus(line.progress);
      case "speed":
        return this.#reportStatus(line.eventsPerSecond);
      case "statistics":
        report.closed = true;
        return;
      case "termination":
        report.termination = line.reason;
        return setPosition(report, line);
      case "error":
        if (report.error === undefined) setPosition(report, line);
        report.error ??= line.message;
        return;
      case "event":
        return setPosition(report, line);
      case "fingerprint":
        if (!line.verified) report.fingerprintMismatch ??= line.message;
        return;
      case "see-file":
        report.seeFile ??= line.file;
        return;
      case "redirected":
        report.redirectedTo = line.file;
        this.#listener.onRedirected?.(line.file);
        return;
      case "alert":
        report.alert ??= line.message;
        return;
    }
  }

  #startRun(runNumber: number, silent: boolean): void {
    this.#current.report.closed = true;
    const report: RunReport = { silent, closed: false };
    this.#runs.set(runNumber, report);
    this.#listener.onBegun?.();
    this.#current = { runNumber, report };
  }

  #takeStatus(progress: Progress): void {
    setPosition(this.#current.report, progress);
    this.#status = progress;
    if (progress.eventsPerSecond !== undefined) this.#reportStatus();
  }

  #reportStatus(eventsPerSecond?: number): void {
    const progress = this.#status;
    if (progress === undefined) return;
    this.#status = undefined;
    const speed = eventsPerSecond === undefined ? {} : { eventsPerSecond };
    this.#listener.onProgress?.(this.#current.runNumber, { ...progress, ...speed });
  }
}

function setPosition(report: RunReport, position: { events?: number; simTime?: string }): void {
  if (position.events !== undefined) report.events = position.events;
  if (position.simTime !== undefined) report.simTime = position.simTime;
}

/**
 * Returns the outcome of a run that was not started, because an earlier run of the batch ended the process.
 */
function neverStarted(end: ProcessEnd): Outcome {
  const outcome = decideOutcome({ silent: false, closed: false }, end);
  return outcome.state === "crashed" ? { ...outcome, reason: "the run was never started" } : outcome;
}

/** Returns why a run is not done, in one line; undefined for a run that is done. */
export function errorLine({ state, reason, error }: Outcome): string | undefined {
  return state === "done" ? undefined : (error ?? reason);
}
