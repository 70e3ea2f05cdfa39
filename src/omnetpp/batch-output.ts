import { elapsedMsIn } from "./cmdenv-lines.ts";

/** The output of one of several runs of a process. */
export interface PrintedPart {
  runNumber: number;
  /** The output that the run would have if it were the only one of its process. */
  text: string;
  /** The run ID, as in the run's result files; undefined if it was not printed. */
  runId: string | undefined;
  /** Elapsed time in the run's last status line; 0 if there is none. */
  elapsedMs: number;
}

const BEGINNING = /^Preparing for running configuration .+, run #(\d+)\.\.\.$/gm;
const RUN_ID = /^Assigned runID=(\S+)$/m;
const STATISTICS = /^Run statistics: total .*\n\n?/m;
/** Printed after the run by a process that executes only one. */
const END = "End.\n";

/**
 * Returns the output of each run of a process that executed several runs one after the other (`-r 0,5,9`),
 * with what the process printed at its start. The statistics of the whole batch are left out.
 * @returns the parts in the order of the runs; none if no run was announced.
 * @see OMNeT++ Simulation Manual, "Running Simulations", "Running Several Simulation Runs".
 */
export function splitBatchOutput(printed: string): PrintedPart[] {
  const beginnings = [...printed.matchAll(BEGINNING)];
  const preamble = printed.slice(0, beginnings[0]?.index);
  return beginnings.map(({ 1: number, index }, at) => {
    const next = beginnings[at + 1];
    const part = printed.slice(index, next?.index).replace(STATISTICS, "");
    return {
      runNumber: Number(number),
      text: preamble + part + (next === undefined ? "" : END),
      runId: runIdPrinted(part),
      elapsedMs: elapsedMsIn(part),
    };
  });
}

/** Returns the run ID that a process has printed for its run; undefined if it has not. */
export function runIdPrinted(printed: string): string | undefined {
  return RUN_ID.exec(printed)?.[1];
}
