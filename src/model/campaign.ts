import { randomInt } from "node:crypto";
import * as v from "valibot";
import { BuildKeySchema, DependencySchema, MODES, OmnetppSchema, SourceSchema } from "./build.ts";
import { EnvironmentSchema, TerminalSchema } from "./environment.ts";
import { HashSchema } from "./git-names.ts";
import { AbsolutePathSchema, FolderNameSchema, RelativePathSchema } from "./places.ts";
import { PROTOCOL } from "./protocol.ts";
import { RunSchema } from "./run.ts";

/** What the simulation is: the simulator with the project's library, or a program of the project's own. */
const ProgramSchema = v.variant("kind", [
  v.object({ kind: v.literal("opp_run") }),
  /** Path relative to the git top level. */
  v.object({ kind: v.literal("project"), path: RelativePathSchema }),
]);
export type Program = v.InferOutput<typeof ProgramSchema>;

/** What a worker has to know of the files that runs write. */
const OutputsSchema = v.object({
  /**
   * Absolute paths outside of the checkout to which runs write; a folder ends in a slash, a file stands for all files
   * with its name up to the extension.
   */
  outside: v.optional(v.array(v.pipe(v.string(), v.startsWith("/")))),
  /** Links of the source that lead out of it, relative to the git top level: results go there, so a worker makes them folders. */
  openedLinks: v.optional(v.array(RelativePathSchema)),
  /** Folders of the work tree that git does not know, relative to its top level: a run may write into them. */
  folders: v.optional(v.array(RelativePathSchema)),
  /** The folder of the first ini file, relative to the study: the simulator's default file names are relative to it. */
  iniFolder: v.optional(v.string()),
  /** Some output option has an absolute value: a worker asks for each run's values and maps them into its working tree. */
  mapsPaths: v.optional(v.boolean()),
  /** The place of what a run prints cannot be told from its result files: a worker asks the simulator. */
  asksOutputFile: v.optional(v.boolean()),
  /** The folder to which the configured place of what a run prints is relative; relative to the study. */
  outputFileFolder: v.optional(v.string()),
  /** The simulator inserts its host and process id into the names of output files (`fname-append-host`). */
  appendsHost: v.optional(v.boolean()),
  /** Configured output files, by option: their names are not the default ones. */
  ownOutputFiles: v.optional(v.array(v.string())),
});
export type Outputs = v.InferOutput<typeof OutputsSchema>;

/** What all runs of a campaign have in common; kept once, so that a job carries its run alone. */
export const CampaignSchema = v.object({
  protocol: v.literal(PROTOCOL),
  id: v.string(),
  user: v.string(),
  host: v.string(),
  /** The git top level on that host: where results are collected. */
  directory: AbsolutePathSchema,
  /** When it was queued, in ms since 1970. */
  createdAt: v.number(),
  config: v.string(),
  source: SourceSchema,
  /** The user's commit; his files may differ from it. */
  commit: v.optional(HashSchema),
  /** How many files differ from the commit. */
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
  /** What the project needs; with libraries and NED folders that come in addition to its own. */
  dependencies: v.optional(v.array(DependencySchema)),
  /** Of the project, in its build too. */
  environment: v.optional(EnvironmentSchema),
  /** Variables that the user named with `--env`, sorted by name; for builds, too. */
  namedEnvironment: v.optional(EnvironmentSchema),
  /** Of the client, if its machine executes the runs: they have this environment and not the worker's own. */
  terminal: v.optional(TerminalSchema),
  /** The user's own simulation arguments, in order; paths inside the checkout are relative to the study. */
  arguments: v.array(v.string()),
  /** Long options that a worker must add because the configuration says otherwise than it needs. */
  addedOptions: v.array(v.string()),
  /** The libraries of the project that `opp_run` loads (`-l`) if the user named none; relative to the study. */
  libraries: v.array(v.string()),
  /** NED folders (`-n`) relative to the study, joined; where the user named none. */
  nedPath: v.optional(v.string()),
  /** Where records are kept, relative to the study: the folder that has the results of all runs. */
  resultDirectory: v.string(),
  ...OutputsSchema.entries,
  /** Equal for campaigns whose runs of the same number and variables leave the same files. */
  identity: v.optional(v.string()),
  runs: v.number(),
  /** How many runs were asked for besides, and not made again because their results were there. */
  skipped: v.optional(v.number()),
  /** How often a run whose worker has vanished is made again. */
  retries: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Wall-clock limit of a run. */
  timeoutMs: v.optional(v.number()),
  /** How many short runs one process makes at most; undefined: several where nothing can carry over between them. */
  batchSize: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** The first run that does not end well cancels the others. */
  stopOnError: v.boolean(),
});
export type Campaign = v.InferOutput<typeof CampaignSchema>;

/** The data of a job in the queue `run`. */
export const RunJobSchema = v.object({
  protocol: v.literal(PROTOCOL),
  campaign: v.string(),
  run: RunSchema,
  /** Why workers could not execute it so far, each with the name of its machine. */
  troubles: v.optional(v.array(v.string())),
  /** How often it has been broken off on a full disk that had free space afterwards. */
  diskFull: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Binaries that runs share were changed while it ran: it gets some of its own. */
  isPrivate: v.optional(v.boolean()),
});
export type RunJob = v.InferOutput<typeof RunJobSchema>;

const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/** Eight characters that are easy to type, beginning with a letter (BullMQ refuses plain numbers as ids). */
export function newCampaignId(): string {
  const pick = (alphabet: string): string => alphabet.charAt(randomInt(alphabet.length));
  return pick(ALPHABET.slice(0, 23)) + Array.from({ length: 7 }, () => pick(ALPHABET)).join("");
}

export function runJobId(campaign: string, runNumber: number): string {
  return `${campaign}-${runNumber}`;
}
