import { randomInt } from "node:crypto";
import * as v from "valibot";
import { BuildKeySchema, DependencySchema, MODES, OmnetppSchema, SourceSchema } from "./build.ts";
import { EnvironmentSchema, TerminalSchema } from "./environment.ts";
import { HashSchema } from "./git-names.ts";
import { AbsolutePathSchema, FolderNameSchema, RelativePathSchema } from "./places.ts";
import { PROTOCOL } from "./protocol.ts";
import { RunSchema } from "./run.ts";

/** The simulation program: the simulator with the project's libraries, or the project's own executable. */
const ProgramSchema = v.variant("kind", [
  v.object({ kind: v.literal("opp_run") }),
  /** Path relative to the git top level. */
  v.object({ kind: v.literal("project"), path: RelativePathSchema }),
]);
export type Program = v.InferOutput<typeof ProgramSchema>;

/** What a worker needs to know about the files that runs write. */
const OutputsSchema = v.object({
  /**
   * Absolute paths outside the checkout to which runs write. A folder ends in a slash; a file includes all
   * files with the same name up to the extension.
   */
  outside: v.optional(v.array(v.pipe(v.string(), v.startsWith("/")))),
  /**
   * Symbolic links that lead out of the source, relative to the git top level. Results are written there, so
   * a worker replaces the links with folders.
   */
  openedLinks: v.optional(v.array(RelativePathSchema)),
  /** Folders of the work tree that git does not track, relative to its top level; a run may write to them. */
  folders: v.optional(v.array(RelativePathSchema)),
  /**
   * Folder of the first ini file, relative to the study. The
   * simulator's default file names are relative to this folder.
   */
  iniFolder: v.optional(v.string()),
  /**
   * An output option has an absolute value, so a worker queries
   * each run's values and maps them into its working tree.
   */
  mapsPaths: v.optional(v.boolean()),
  /**
   * The destination of a run's output cannot be derived from
   * its result files, so a worker queries the simulator.
   */
  asksOutputFile: v.optional(v.boolean()),
  /** Folder to which the configured output file of a run is relative; itself relative to the study. */
  outputFileFolder: v.optional(v.string()),
  /** The simulator inserts its host and process id into the names of output files (`fname-append-host`). */
  appendsHost: v.optional(v.boolean()),
  /** The output options that are configured: their files do not have the default names. */
  ownOutputFiles: v.optional(v.array(v.string())),
});
export type Outputs = v.InferOutput<typeof OutputsSchema>;

/** What all runs of a campaign have in common; stored once, so that a job contains only its run. */
export const CampaignSchema = v.object({
  protocol: v.literal(PROTOCOL),
  id: v.string(),
  user: v.string(),
  host: v.string(),
  /** Git top level on `host`, where results are collected. */
  directory: AbsolutePathSchema,
  /** When the campaign was queued, in ms since 1970. */
  createdAt: v.number(),
  config: v.string(),
  source: SourceSchema,
  /** The user's commit; the files may differ from it. */
  commit: v.optional(HashSchema),
  /** Number of files that differ from the commit. */
  changedFiles: v.optional(v.number()),
  /** Name of the checkout's folder. */
  checkoutName: FolderNameSchema,
  buildKey: BuildKeySchema,
  mode: v.picklist(MODES),
  omnetpp: OmnetppSchema,
  /** Folder of the study relative to the git top level; empty for the top level itself. */
  study: RelativePathSchema,
  /** Folder of the project relative to the git top level. */
  project: RelativePathSchema,
  program: ProgramSchema,
  /** The projects that this one needs; their libraries and NED folders are used in addition to its own. */
  dependencies: v.optional(v.array(DependencySchema)),
  /** Environment variables of the project, for its build and its runs. */
  environment: v.optional(EnvironmentSchema),
  /** Variables that the user named with `--env`, sorted by name; for builds and runs. */
  namedEnvironment: v.optional(EnvironmentSchema),
  /**
   * Environment and limits of the client, if its machine executes the runs; they replace the worker's own.
   */
  terminal: v.optional(TerminalSchema),
  /** The user's simulation arguments, in order; paths inside the checkout are relative to the study. */
  arguments: v.array(v.string()),
  /**
   * Long options that a worker must add, because the
   * configuration sets values with which runs do not work there.
   */
  addedOptions: v.array(v.string()),
  /** Libraries of the project that `opp_run` loads (`-l`) if the user named none; relative to the study. */
  libraries: v.array(v.string()),
  /** NED path (`-n`), used if the user named none; folders are relative to the study. */
  nedPath: v.optional(v.string()),
  /** Folder of the records, relative to the study: the folder that contains the results of all runs. */
  resultDirectory: v.string(),
  ...OutputsSchema.entries,
  /** Equal for campaigns in which runs with the same number and variables write the same files. */
  identity: v.optional(v.string()),
  runs: v.number(),
  /** Number of runs that were requested in addition, and skipped because they had already completed. */
  skipped: v.optional(v.number()),
  /** Maximum number of retries after a worker is lost. */
  retries: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Wall-clock limit of a run. */
  timeoutMs: v.optional(v.number()),
  /**
   * Maximum number of short runs in one process; undefined: several, if nothing can carry over between them.
   */
  batchSize: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Maximum number of runs that the whole swarm executes concurrently; undefined: as many as it can. */
  concurrency: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Memory that each run needs, in bytes, as far as the user knows. */
  memoryBytes: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  /** The first run that does not complete cancels the others. */
  stopOnError: v.boolean(),
});
export type Campaign = v.InferOutput<typeof CampaignSchema>;

/** The data of a job in the queue `run`. */
export const RunJobSchema = v.object({
  protocol: v.literal(PROTOCOL),
  campaign: v.string(),
  run: RunSchema,
  /** Why workers could not execute the run so far, each with the name of its machine. */
  troubles: v.optional(v.array(v.string())),
  /** How often the run was interrupted by a full disk that had free space afterwards. */
  diskFull: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Memory that the run needs at least, in bytes: it was stopped because other runs left it less. */
  memoryBytes: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  /** Wall time that is predicted for the run from earlier campaigns, in ms. */
  expectedMs: v.optional(v.number()),
  /** Binaries that runs share were changed while the run used them, so it gets its own copy. */
  isPrivate: v.optional(v.boolean()),
});
export type RunJob = v.InferOutput<typeof RunJobSchema>;

const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/**
 * Returns a new campaign ID: eight characters that are easy to type, the first one a letter (BullMQ refuses
 * plain numbers as IDs).
 */
export function newCampaignId(): string {
  const pick = (alphabet: string): string => alphabet.charAt(randomInt(alphabet.length));
  return pick(ALPHABET.slice(0, 23)) + Array.from({ length: 7 }, () => pick(ALPHABET)).join("");
}

/** Returns the ID of a run's job in the queue. */
export function runJobId(campaign: string, runNumber: number): string {
  return `${campaign}-${runNumber}`;
}
