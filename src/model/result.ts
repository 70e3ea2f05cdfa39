import * as v from "valibot";
import { OutcomeSchema } from "./outcome.ts";
import { PROTOCOL } from "./protocol.ts";
import { RunSchema } from "./run.ts";

/**
 * Resources that a run used. CPU time and memory are undefined if the operating system does not report them.
 */
export const UsageSchema = v.object({
  wallTimeMs: v.number(),
  /** User and system time of the simulation process. */
  cpuTimeMs: v.optional(v.number()),
  /** Peak resident memory. */
  peakMemoryBytes: v.optional(v.number()),
});
export type Usage = v.InferOutput<typeof UsageSchema>;

/** A file that a run wrote. */
export const ResultFileSchema = v.object({
  /**
   * Path at which a run in the client's checkout would have written the file: absolute, with `/`, without its
   * leading slash.
   */
  path: v.string(),
  /** For a symbolic link, the length of its target's path. */
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /**
   * In hexadecimal digits; for a symbolic link, the hash of
   * its target's path. Undefined until the file is stored.
   */
  sha256: v.optional(v.string()),
  /**
   * While the file has this stamp, which only this machine knows, its content is still that of the hash; undefined if it
   * has to be compared.
   */
  stamp: v.optional(v.string()),
  /** The file existed before the run: the run has changed a file of the source. */
  replaces: v.optional(v.boolean()),
});
export type ResultFile = v.InferOutput<typeof ResultFileSchema>;
/** A result file whose hash was computed while it was stored. */
export const StoredFileSchema = v.object({ ...ResultFileSchema.entries, sha256: v.string() });
export type StoredFile = v.InferOutput<typeof StoredFileSchema>;

/** The result of a run, as a runner returns it: the return value of the job. */
export const RunResultSchema = v.object({
  protocol: v.literal(PROTOCOL),
  outcome: OutcomeSchema,
  usage: UsageSchema,
  /** Name of the stored files, `<job>/<attempt>`; undefined if the run wrote none. */
  stored: v.optional(v.string()),
  files: v.array(ResultFileSchema),
  /** Empty folders that the run created; paths as in `files`. */
  folders: v.optional(v.array(v.string())),
  /** Path of the file in `files` that contains the simulation's output. */
  outputFile: v.optional(v.string()),
  /** What the user should know in addition to the outcome. */
  warnings: v.optional(v.array(v.string())),
  startedAt: v.number(),
  finishedAt: v.number(),
  worker: v.string(),
});
export type RunResult = v.InferOutput<typeof RunResultSchema>;

/**
 * Returns the answer for a run that was not executed, or about whose execution nothing is known.
 * @param worker name of the machine that answers; undefined if no worker did.
 */
export function answerWithoutRunning(
  state: "cancelled" | "lost" | "crashed",
  reason: string,
  worker = "",
): RunResult {
  const now = Date.now();
  return {
    protocol: PROTOCOL,
    outcome: { state, reason },
    usage: { wallTimeMs: 0 },
    files: [],
    startedAt: now,
    finishedAt: now,
    worker,
  };
}

/**
 * The record of a run, stored as `.swarm/<config>-<run>.json` in the result directory after the run's files.
 */
export const RunRecordSchema = v.object({
  format: v.literal(1),
  campaign: v.string(),
  ...RunSchema.entries,
  ...OutcomeSchema.entries,
  ...UsageSchema.entries,
  /** ISO 8601. */
  startedAt: v.string(),
  finishedAt: v.string(),
  worker: v.string(),
  /** Which attempt at the run this was, from 1; undefined if no worker stored its files. */
  attempt: v.optional(v.number()),
  /** The commit that the user had checked out. */
  commit: v.string(),
  /** Number of files that differed from the commit. */
  changedFiles: v.optional(v.number()),
  /** Hash of the source that was used, as of a git tree. */
  tree: v.optional(v.string()),
  build: v.string(),
  /** Equal for campaigns in which runs with the same number and variables write the same files. */
  identity: v.optional(v.string()),
  omnetpp: v.string(),
  arguments: v.array(v.string()),
  files: v.array(
    v.object({
      /** Relative to the study. */
      path: v.string(),
      sizeBytes: v.number(),
      sha256: v.string(),
      /**
       * The user's own file already had this name and content: the file stays, even if a later execution of
       * the run writes other content.
       */
      wasThere: v.optional(v.boolean()),
    }),
  ),
  /** Empty folders that the run created. */
  folders: v.optional(v.array(v.string())),
  outputFile: v.optional(v.string()),
});
export type RunRecord = v.InferOutput<typeof RunRecordSchema>;
