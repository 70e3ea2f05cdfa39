import * as v from "valibot";

/** Progress of a build, as the builder reports it. */
export const BuildProgressSchema = v.object({
  /** Number of source files whose compilation has started. */
  started: v.number(),
  /** Number of source files to compile; undefined if it is unknown. */
  total: v.optional(v.number()),
  /** Name of the source file whose compilation started last. */
  file: v.optional(v.string()),
  /** Time since the build started. */
  elapsedMs: v.number(),
  /** Duration of the last successful build of the same project on this builder; undefined if there was none. */
  lastMs: v.optional(v.number()),
});
export type BuildProgress = v.InferOutput<typeof BuildProgressSchema>;

/** Returns a builder's report as it is in the queue; undefined if the data is not a report. */
export function parseBuildProgress(data: unknown): BuildProgress | undefined {
  const report = v.safeParse(BuildProgressSchema, data);
  return report.success ? report.output : undefined;
}

/** Number of compilations from whose duration that of the others is estimated. */
const ENOUGH = 5;

/**
 * Returns the estimated time left of a build in ms, by the last build of the project, else by the files that have been
 * compiled; undefined if nothing is known.
 */
export function estimateBuildLeft({ started, total, elapsedMs, lastMs }: BuildProgress): number | undefined {
  if (lastMs !== undefined && elapsedMs < lastMs) return lastMs - elapsedMs;
  if (total === undefined || started < ENOUGH || started >= total) return undefined;
  return (elapsedMs / started) * (total - started);
}
