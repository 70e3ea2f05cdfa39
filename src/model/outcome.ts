import * as v from "valibot";

/** How a run ended. Only the result files of a `done` run are complete and stored in the result directory. */
export const OUTCOME_STATES = [
  "done",
  /** Exit code 0, but stopped by a CPU- or real-time limit: the results are truncated. */
  "limited",
  /** The simulation's own error: exit code 1 with a `<!>` line, or a fingerprint that does not match. */
  "failed",
  /** Ended by a signal, or with an exit code that is not the simulator's. */
  "crashed",
  "out-of-memory",
  /** Stopped at the campaign's wall-clock limit. */
  "timeout",
  "cancelled",
  /** Its worker was lost more often than the retry limit allows. */
  "lost",
] as const;
export type OutcomeState = (typeof OUTCOME_STATES)[number];

export const OutcomeSchema = v.object({
  state: v.picklist(OUTCOME_STATES),
  /** Why the run ended, in the simulator's words if it gave a reason: `Simulation time limit reached`. */
  reason: v.string(),
  /** The simulation's error message without `<!> Error: `; undefined if there was none. */
  error: v.optional(v.string()),
  /** Exit code of the process; undefined if a signal ended it. */
  exitCode: v.optional(v.number()),
  signal: v.optional(v.string()),
  /** Number of events simulated, as last printed by Cmdenv. */
  events: v.optional(v.number()),
  /** Simulation time in seconds, with all digits that the simulator printed (more than a double can hold). */
  simTime: v.optional(v.string()),
});
export type Outcome = v.InferOutput<typeof OutcomeSchema>;

/**
 * Returns the outcome of a run that completed, but whose results cannot all be collected.
 * @param problems one for each file.
 */
export function incomplete(outcome: Outcome, problems: readonly string[]): Outcome {
  return {
    ...outcome,
    state: "failed",
    error: `not all of its results can be collected: ${problems.join("; ")}`,
  };
}

/** Reported when a worker has handed back a run, which is executed later. `held` is the reason. */
const PostponementSchema = v.object({
  held: v.string(),
  /** The swarm lacks a source or a build; a client that has it can send it again. */
  lacks: v.optional(v.boolean()),
});

/** Progress of a running simulation, from one of Cmdenv's status blocks. */
export const ProgressSchema = v.object({
  events: v.number(),
  simTime: v.string(),
  /** Completed part of this run in percent; undefined if no time limit is configured. */
  percent: v.optional(v.number()),
  /** Events per wall-clock second. */
  eventsPerSecond: v.optional(v.number()),
});
export type Progress = v.InferOutput<typeof ProgressSchema>;

/** What a worker reports about a run that has not ended. */
const RunReportSchema = v.variant("type", [
  v.object({ type: v.literal("progress"), ...ProgressSchema.entries }),
  v.object({ type: v.literal("held"), ...PostponementSchema.entries }),
  /** Runs that are executed after this one in the same process: until then, they do not occupy a runner. */
  v.object({ type: v.literal("batch"), runs: v.array(v.number()) }),
]);
export type RunReport = v.InferOutput<typeof RunReportSchema>;

/** Returns a worker's report as it is in the queue; undefined if the data is not a report. */
export function parseReport(data: unknown): RunReport | undefined {
  const report = v.safeParse(RunReportSchema, withType(data));
  return report.success ? report.output : undefined;
}

/** Workers of earlier versions send no type. */
function withType(data: unknown): unknown {
  if (typeof data !== "object" || data === null || "type" in data) return data;
  return { type: "held" in data ? "held" : "progress", ...data };
}
