import * as v from "valibot";
import { OutcomeSchema } from "./outcome.ts";
import { PROTOCOL } from "./protocol.ts";
import { RunSchema } from "./run.ts";

/** What a run cost. CPU time and memory are undefined where the operating system does not tell. */
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
  /** Where a run in the client's checkout would have written it: an absolute path with `/`, without its leading slash. */
  path: v.string(),
  /** Of a symbolic link the length of its target's name. */
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** In hexadecimal digits; of a symbolic link that of its target's name. Undefined until it is stored. */
  sha256: v.optional(v.string()),
  /** It was there before the run: a file of the source that the run has changed. */
  replaces: v.optional(v.boolean()),
});
export type ResultFile = v.InferOutput<typeof ResultFileSchema>;
/** One that has been read while it was stored. */
export const StoredFileSchema = v.object({ ...ResultFileSchema.entries, sha256: v.string() });
export type StoredFile = v.InferOutput<typeof StoredFileSchema>;

/** What a runner returns for a job: the job's return value. */
export const RunResultSchema = v.object({
  protocol: v.literal(PROTOCOL),
  outcome: OutcomeSchema,
  usage: UsageSchema,
  /** Name of what was stored, `<job>/<attempt>`; undefined where the run wrote nothing. */
  stored: v.optional(v.string()),
  files: v.array(ResultFileSchema),
  /** Folders that the run made and left empty; paths as those of `files`. */
  folders: v.optional(v.array(v.string())),
  /** Which of `files` holds what the simulation printed. */
  outputFile: v.optional(v.string()),
  /** What the user is to know beside the outcome. */
  warnings: v.optional(v.array(v.string())),
  startedAt: v.number(),
  finishedAt: v.number(),
  worker: v.string(),
});
export type RunResult = v.InferOutput<typeof RunResultSchema>;

/** The record of a run, `.swarm/<config>-<run>.json` in the result directory; written after its files. */
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
  /** What the user had checked out. */
  commit: v.string(),
  /** How many of his files differed from it. */
  changedFiles: v.optional(v.number()),
  /** Hash of the files that ran, as of a git tree. */
  tree: v.optional(v.string()),
  build: v.string(),
  /** Equal for campaigns whose runs of the same number and variables leave the same files. */
  identity: v.optional(v.string()),
  omnetpp: v.string(),
  arguments: v.array(v.string()),
  files: v.array(
    v.object({
      /** Relative to the study. */
      path: v.string(),
      sizeBytes: v.number(),
      sha256: v.string(),
      /** A file of the user's has this content and name: it stays as it is, also if the run leaves another one later. */
      wasThere: v.optional(v.boolean()),
    }),
  ),
  /** Folders that the run made and left empty. */
  folders: v.optional(v.array(v.string())),
  outputFile: v.optional(v.string()),
});
export type RunRecord = v.InferOutput<typeof RunRecordSchema>;
