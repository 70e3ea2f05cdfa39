import { readFileSync } from "node:fs";
import type { Outcome } from "../../model/outcome.ts";
import type { Run } from "../../model/run.ts";
import { runIdPrinted, splitBatchOutput } from "../../omnetpp/batch-output.ts";
import { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import { readForkedRuns, type ForkedRun, type Forking } from "./forking.ts";
import type { Simulated } from "./run-process.ts";

/** A run of a batch that has ended. */
export interface EndedInBatch extends Partial<
  Pick<ForkedRun, "startedAt" | "cpuTimeMs" | "peakMemoryBytes">
> {
  outcome: Outcome;
  /** What it would have printed in a process of its own; each character is a byte. */
  text: string;
  runId: string | undefined;
  /** What it took, as far as it is known. */
  wallMs: number;
}

/** Returns the runs of a process that has executed them one after the other, by what it printed. */
export function endedParts(
  output: CmdenvOutput,
  runs: readonly Run[],
  { end, printed }: Pick<Simulated, "end" | "printed">,
): EndedInBatch[] | undefined {
  const parts = splitBatchOutput(readFileSync(printed.file, "latin1"));
  if (parts.map((part) => part.runNumber).join() !== runs.map((run) => run.runNumber).join())
    return undefined;
  return parts.map(({ runNumber, text, runId, elapsedMs }) => ({
    outcome: output.outcomeOf(runNumber, end),
    text,
    runId: runId === undefined ? undefined : decoded(runId),
    wallMs: elapsedMs,
  }));
}

/** Returns the runs that were executed in copies of a process, each with what the process printed before. */
export function endedCopies(
  forking: Forking,
  runs: readonly Run[],
  { end, printed }: Pick<Simulated, "end" | "printed">,
): EndedInBatch[] | undefined {
  const before = readFileSync(printed.file, "latin1");
  return readForkedRuns(forking, runs)?.map(({ printed: ownText, runNumber, ...usage }) => {
    const text = before + ownText.toString("latin1");
    const output = new CmdenvOutput();
    output.write(decoded(text));
    return {
      ...usage,
      outcome: output.outcomeOf(runNumber, end, true),
      text,
      runId: runIdPrinted(decoded(text)),
    };
  });
}

/** Returns a text of bytes as the simulator meant it. */
function decoded(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}
