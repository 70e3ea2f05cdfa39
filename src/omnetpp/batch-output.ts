import { elapsedMsIn } from "./cmdenv-lines.ts";

/** What one of several runs of a process has printed. */
export interface PrintedPart {
  runNumber: number;
  /** What the run would have printed alone. */
  text: string;
  /** As the run's result files name it; undefined where it was not printed. */
  runId: string | undefined;
  /** By the run's last status line; 0 where there is none. */
  elapsedMs: number;
}

const BEGINNING = /^Preparing for running configuration .+, run #(\d+)\.\.\.$/gm;
const RUN_ID = /^Assigned runID=(\S+)$/m;
const STATISTICS = /^Run statistics: total .*\n\n?/m;
/** A process that makes one run prints it after the run. */
const END = "End.\n";

/**
 * Splits what a process printed that made several runs one after the other (`-r 0,5,9`): each part has what the process
 * said at its beginning, and what one run printed; the sums over all runs are left out.
 * @returns the parts in the order of the runs; none where no run was announced.
 * @see OMNeT++ Simulation Manual, "Running Simulations", "Running Several Simulation Runs".
 */
export function splitBatchOutput(printed: string): PrintedPart[] {
  const beginnings = [...printed.matchAll(BEGINNING)];
  const preamble = printed.slice(0, beginnings[0]?.index);
  return beginnings.map(({ 1: number, index }, at) => {
    const isLast = at === beginnings.length - 1;
    const part = printed.slice(index, beginnings[at + 1]?.index).replace(STATISTICS, "");
    return {
      runNumber: Number(number),
      text: preamble + part + (isLast ? "" : END),
      runId: RUN_ID.exec(part)?.[1],
      elapsedMs: elapsedMsIn(part),
    };
  });
}
