import * as v from "valibot";
import { shortHash } from "../short-hash.ts";
import { buildVariables, EnvironmentSchema } from "./environment.ts";
import { HashSchema, SourceUrlSchema } from "./git-names.ts";
import { FileNameSchema, FolderNameSchema, ProjectNameSchema, RelativePathSchema } from "./places.ts";
import { PROTOCOL } from "./protocol.ts";

/**
 * Where a worker gets a project's tree. The hash of the tree names the source: the same content has the same
 * name, whichever commit or work tree it comes from.
 */
export const SourceSchema = v.object({
  /** The commit to check out; for a tree that was sent, a commit created for this purpose. */
  commit: HashSchema,
  tree: v.optional(HashSchema),
  /**
   * Where to fetch the commit, or the commit that the packs build on: a git URL, or the absolute path of a
   * git directory on this machine. Undefined if everything is sent.
   */
  url: v.optional(SourceUrlSchema),
  /** The commit to fetch from `url`, if it is not the one to check out. */
  base: v.optional(HashSchema),
  /**
   * Packs in the swarm's source store, by the hashes of their trees, in the order in which they are unpacked.
   */
  packs: v.optional(v.array(HashSchema)),
});
export type Source = v.InferOutput<typeof SourceSchema>;

/** Returns the name of a source; sources with the same content have the same name. */
export function sourceName(source: Source): string {
  return source.tree ?? source.commit;
}

export const MODES = ["release", "debug"] as const;
export type Mode = (typeof MODES)[number];

export const OmnetppSchema = v.object({
  /** As `opp_run -v` prints it: `6.2.0`. */
  version: v.string(),
  /** Folder of the programs, prepended to PATH; undefined if the worker uses its own OMNeT++. */
  binDirectory: v.optional(v.string()),
});
export type Omnetpp = v.InferOutput<typeof OmnetppSchema>;

/** A folder with the options of `opp_makemake` there. */
const MakemakeFolderSchema = v.object({ folder: RelativePathSchema, options: v.array(v.string()) });

/** How the binaries are built. Folders are relative to the git top level. */
const RecipeSchema = v.variant("kind", [
  /** `make makefiles` if the Makefile has that target, then `make`. */
  v.object({
    kind: v.literal("make"),
    folder: RelativePathSchema,
    /** Folders in which the IDE would generate a Makefile first, unless one exists. */
    folders: v.optional(v.array(MakemakeFolderSchema)),
  }),
  /** `opp_makemake` with these options in each folder, then `make` there. */
  v.object({
    kind: v.literal("makemake"),
    folders: v.array(MakemakeFolderSchema),
  }),
  /** `./configure`, then `make`. */
  v.object({ kind: v.literal("configure"), folder: RelativePathSchema }),
  /** Shell commands that the project names. */
  v.object({ kind: v.literal("commands"), folder: RelativePathSchema, commands: v.array(v.string()) }),
  /** No C++ code, only NED and ini files. */
  v.object({ kind: v.literal("none") }),
]);
export type Recipe = v.InferOutput<typeof RecipeSchema>;

/** The name of a build, and of its folder in the build store. */
export const BuildKeySchema = v.pipe(v.string(), v.regex(/^[\w-]+$/, "it is not the name of a build"));

/** A project that another one needs, for its build and its runs. Paths are relative to the git top level. */
export const DependencySchema = v.object({
  /** The name by which the project that needs it refers to it: `inet`. */
  name: ProjectNameSchema,
  /** Hash of its tree, which runs read besides the binaries. */
  tree: HashSchema,
  /** Where to get its tree; undefined if it is in the same checkout as the project that needs it. */
  source: v.optional(SourceSchema),
  /** Name of its checkout's folder, which is a sibling of the folder of the project that needs it. */
  checkoutName: FolderNameSchema,
  /** Folder of the project. */
  project: RelativePathSchema,
  buildKey: BuildKeySchema,
  /** Environment variable that contains the path of its folder: `INET_ROOT`. */
  variable: v.pipe(v.string(), v.regex(/^\w+$/, "it is not a valid name of an environment variable")),
  environment: v.optional(EnvironmentSchema),
  nedFolders: v.array(v.string()),
  /**
   * Libraries that the project names itself, without prefix and suffix; undefined: the targets of its build.
   */
  libraries: v.optional(v.array(v.string())),
});
export type Dependency = v.InferOutput<typeof DependencySchema>;

/** Files of compilers, each with size and modification time, by the names that Makefiles call them by. */
const CompilersSchema = v.record(v.string(), v.string());
export type Compilers = v.InferOutput<typeof CompilersSchema>;

export const BuildRequestSchema = v.object({
  protocol: v.literal(PROTOCOL),
  source: SourceSchema,
  /** Hash over the tracked files that a compiler may read; commits that differ only in ini files share it. */
  sourcesHash: v.string(),
  /** Name of the checkout's folder: `opp_makemake` calls a program by its folder. */
  checkoutName: FolderNameSchema,
  /** The project's folder relative to the git top level; empty for the top level itself. */
  project: RelativePathSchema,
  recipe: RecipeSchema,
  mode: v.picklist(MODES),
  omnetpp: OmnetppSchema,
  /**
   * Contents of `.oppfeaturestate` and similar files, which
   * git ignores and which decide what is built; by name.
   */
  stateFiles: v.optional(v.record(FileNameSchema, v.string())),
  /** NED packages to exclude, instead of those that `.nedexclusions` lists after the build. */
  nedExclusions: v.optional(v.array(v.string())),
  /** Environment variables of the project itself; `${project}` is replaced by its folder. */
  environment: v.optional(EnvironmentSchema),
  /** Variables that the user named with `--env`. */
  namedEnvironment: v.optional(EnvironmentSchema),
  /**
   * Environment of the client, if its machine builds; only the variables for compilers are part of the key.
   */
  clientEnvironment: v.optional(EnvironmentSchema),
  /** The compilers that PATH of `clientEnvironment` leads to. */
  compilers: v.optional(CompilersSchema),
  /** The projects that this one needs, in build order: each after those that it needs itself. */
  dependencies: v.optional(v.array(DependencySchema)),
});
export type BuildRequest = v.InferOutput<typeof BuildRequestSchema>;

/** Returns the name of a build; requests that produce the same binaries have the same name. */
export function buildKey(request: Omit<BuildRequest, "source">): string {
  const { sourcesHash, checkoutName, project, recipe, mode, omnetpp } = request;
  const { stateFiles, nedExclusions, environment, dependencies = [] } = request;
  const needed = dependencies.map((each) => [
    each.name,
    each.checkoutName,
    each.project,
    each.buildKey,
    each.variable,
    each.environment,
    each.libraries,
  ]);
  const identity: unknown[] = [
    PROTOCOL,
    sourcesHash,
    checkoutName,
    project,
    recipe,
    mode,
    omnetpp,
    stateFiles,
  ];
  identity.push(nedExclusions, environment, needed);
  const compiling = buildVariables(request.clientEnvironment ?? {});
  if (Object.keys(compiling).length > 0) identity.push({ compiling });
  if (request.compilers !== undefined) identity.push({ compilers: request.compilers });
  if (request.namedEnvironment !== undefined) identity.push({ named: request.namedEnvironment });
  return shortHash(JSON.stringify(identity));
}

/**
 * Returns the name of a build that the user made in their own checkout. It is independent of the compilers in PATH, which
 * may be others than those that made it.
 * @param stamps distinguish this build from others: size and modification time of each file.
 */
export function ownBuildKey(request: Omit<BuildRequest, "source">, stamps: readonly string[]): string {
  const { compilers: _, ...made } = request;
  const identity = [buildKey(made), "own", ...stamps];
  return shortHash(JSON.stringify(identity));
}

/** A library or program with which runs are executed; the file is relative to the git top level. */
const TargetFileSchema = v.object({
  kind: v.picklist(["library", "executable"]),
  file: RelativePathSchema,
});
export type TargetFile = v.InferOutput<typeof TargetFileSchema>;

/** What a build consists of; stored as `manifest.json` next to its files. */
export const BuildManifestSchema = v.object({
  protocol: v.literal(PROTOCOL),
  /** Libraries and executables, relative to the git top level. */
  products: v.array(RelativePathSchema),
  /** The products that the build's Makefiles name as targets; all products if there are no such Makefiles. */
  targets: v.array(TargetFileSchema),
  /** Other files that the build wrote and that runs may read, relative to the git top level. */
  data: v.optional(v.array(RelativePathSchema)),
  /** NED packages of disabled features, as `.nedexclusions` lists them after the build. */
  nedExclusions: v.array(v.string()),
});
export type BuildManifest = v.InferOutput<typeof BuildManifestSchema>;

/** Returns all files of a build, relative to the git top level. */
export function filesOf({ products, data = [] }: BuildManifest): string[] {
  return [...products, ...data];
}

/**
 * A builder's answer. A failed build is an answer, too: all campaigns that wait for the build get its log.
 */
export const BuildAnswerSchema = v.variant("ok", [
  v.object({ ok: v.literal(true), tookMs: v.number() }),
  v.object({
    ok: v.literal(false),
    command: v.string(),
    /** What the build printed, only the end if it is very long; empty if the build did not start. */
    log: v.string(),
    /** Why the build did not start. */
    reason: v.optional(v.string()),
  }),
]);
export type BuildAnswer = v.InferOutput<typeof BuildAnswerSchema>;
