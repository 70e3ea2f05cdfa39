import type { Outcome, Progress } from "../model/outcome.ts";
import { parseLine, type CmdenvLine } from "./cmdenv-lines.ts";
import { decideOutcome, type ProcessEnd, type RunReport } from "./cmdenv-outcome.ts";
import { LineSplitter } from "./line-splitter.ts";

export type { ProcessEnd } from "./cmdenv-outcome.ts";

export interface CmdenvListener {
  /** @param runNumber undefined where the output did not name the run. */
  onProgress?: (runNumber: number | undefined, progress: Progress) => void;
  /** What it prints goes on in a file; relative to the simulation's directory. */
  onRedirected?: (file: string) => void;
}

/**
 * Reads what one simulation process prints, as it comes, and knows afterwards how each of its runs ended.
 * A process may run several, one after the other (`-r 0,5,9`).
 */
export class CmdenvOutput {
  readonly #listener: CmdenvListener;
  readonly #runs = new Map<number, RunReport>();
  /** What was said before the first run was announced. */
  readonly #before: RunReport = { silent: false, closed: false };
  #current: { runNumber: number | undefined; report: RunReport };
  /** A status block's first line, which its second one completes. */
  #status: Progress | undefined;
  readonly #stdout = new LineSplitter((line) => this.#read(line));
  readonly #stderr = new LineSplitter((line) => this.#read(line));
  readonly #file = new LineSplitter((line) => this.#read(line));

  constructor(listener: CmdenvListener = {}) {
    this.#listener = listener;
    this.#current = { runNumber: undefined, report: this.#before };
  }

  /**
   * @param stream keeps half lines apart that come through pipes of their own, or from the file to which the output
   *   is redirected.
   */
  write(chunk: string, stream: "stdout" | "stderr" | "file" = "stdout"): void {
    const streams = { stdout: this.#stdout, stderr: this.#stderr, file: this.#file };
    streams[stream].write(chunk);
  }

  /**
   * The file that has what a run printed, if the configuration redirects it; relative to the simulation's directory.
   */
  redirectedTo(runNumber: number): string | undefined {
    return this.#runs.get(runNumber)?.redirectedTo;
  }

  /**
   * How a run ended; to be asked when the process has ended and all that it printed was written here.
   * Where the process ended before any run was begun, that is every run's outcome.
   * @param isOnly it was the process's only run: then all that the process did counts, whatever the model printed.
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

  /** Through another pipe, the error that ended the last run can come before the line that began it. */
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

/** An error or a crash of an earlier run of its batch ended the process. */
function neverStarted(end: ProcessEnd): Outcome {
  const outcome = decideOutcome({ silent: false, closed: false }, end);
  return outcome.state === "crashed" ? { ...outcome, reason: "the run was never started" } : outcome;
}

/** Why a run is not done, in one line; undefined for one that is. */
export function errorLine({ state, reason, error }: Outcome): string | undefined {
  return state === "done" ? undefined : (error ?? reason);
}
