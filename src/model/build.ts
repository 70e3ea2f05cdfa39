import { createHash } from "node:crypto";
import * as v from "valibot";
import { buildVariables, EnvironmentSchema } from "./environment.ts";
import { HashSchema, SourceUrlSchema } from "./git-names.ts";
import { FileNameSchema, FolderNameSchema, ProjectNameSchema, RelativePathSchema } from "./places.ts";
import { PROTOCOL } from "./protocol.ts";

/**
 * What a worker needs to have the project's tree. The hash of the tree is the source's name: the same content
 * has the same name, whichever commit or work tree it comes from.
 */
export const SourceSchema = v.object({
  /** The commit that is checked out; that of a tree that was shipped is made for the purpose. */
  commit: HashSchema,
  tree: v.optional(HashSchema),
  /**
   * Where the commit, or the one that a pack builds on, is fetched from: a git URL, or the absolute path of a
   * repository's git directory on this machine. Undefined where all of it is shipped.
   */
  url: v.optional(SourceUrlSchema),
  /** The commit to fetch from there, where it is not the one that is checked out. */
  base: v.optional(HashSchema),
  /** Packs in the swarm's store of sources, by the hashes of their trees, in the order of unpacking. */
  packs: v.optional(v.array(HashSchema)),
});
export type Source = v.InferOutput<typeof SourceSchema>;

/** Equal for sources of the same content. */
export function sourceName(source: Source): string {
  return source.tree ?? source.commit;
}

export const MODES = ["release", "debug"] as const;
export type Mode = (typeof MODES)[number];

export const OmnetppSchema = v.object({
  /** As `opp_run -v` prints it: `6.2.0`. */
  version: v.string(),
  /** Folder of the programs, put in front of PATH; undefined where the worker has its own OMNeT++. */
  binDirectory: v.optional(v.string()),
});
export type Omnetpp = v.InferOutput<typeof OmnetppSchema>;

/** A folder with the options of `opp_makemake` there. */
const MakemakeFolderSchema = v.object({ folder: RelativePathSchema, options: v.array(v.string()) });

/** How the binaries are made. Folders are relative to the git top level. */
const RecipeSchema = v.variant("kind", [
  /** `make makefiles` where the Makefile has that target, then `make`. */
  v.object({
    kind: v.literal("make"),
    folder: RelativePathSchema,
    /** Folders in which the IDE would generate a Makefile before, unless one is there. */
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
  /** No C++ code: NED and ini files alone. */
  v.object({ kind: v.literal("none") }),
]);
export type Recipe = v.InferOutput<typeof RecipeSchema>;

/** The name of a build, which is that of a folder in the store of builds. */
export const BuildKeySchema = v.pipe(v.string(), v.regex(/^[\w-]+$/, "it is not the name of a build"));

/** A project that another one needs, for its build and its runs. Paths are relative to the git top level. */
export const DependencySchema = v.object({
  /** As the project that needs it calls it: `inet`. */
  name: ProjectNameSchema,
  /** Hash of its tree: what its runs read besides binaries. */
  tree: HashSchema,
  /** Where its tree comes from; undefined where it lies in the same checkout as the project that needs it. */
  source: v.optional(SourceSchema),
  /** Name of its checkout's folder, which lies beside that of the project that needs it. */
  checkoutName: FolderNameSchema,
  /** Its folder. */
  project: RelativePathSchema,
  buildKey: BuildKeySchema,
  /** Environment variable with its folder: `INET_ROOT`. */
  variable: v.pipe(v.string(), v.regex(/^\w+$/, "it is not a valid name of an environment variable")),
  environment: v.optional(EnvironmentSchema),
  nedFolders: v.array(v.string()),
  /** Those that it names itself, without prefix and suffix; undefined: the targets of its build. */
  libraries: v.optional(v.array(v.string())),
});
export type Dependency = v.InferOutput<typeof DependencySchema>;

/** Files of compilers, each with size and modification time, by the names that Makefiles call them by. */
const CompilersSchema = v.record(v.string(), v.string());
export type Compilers = v.InferOutput<typeof CompilersSchema>;

export const BuildRequestSchema = v.object({
  protocol: v.literal(PROTOCOL),
  source: SourceSchema,
  /** Hash over the tracked files that a compiler may read: commits that differ in ini files alone share it. */
  sourcesHash: v.string(),
  /** Name of the checkout's folder: `opp_makemake` calls a program by its folder. */
  checkoutName: FolderNameSchema,
  /** The project's folder relative to the git top level; empty for the top level itself. */
  project: RelativePathSchema,
  recipe: RecipeSchema,
  mode: v.picklist(MODES),
  omnetpp: OmnetppSchema,
  /** Contents of the user's `.oppfeaturestate` and the like, which git ignores and which decide what is built. */
  stateFiles: v.optional(v.record(FileNameSchema, v.string())),
  /** NED packages to exclude, in place of those that `.nedexclusions` names after the build. */
  nedExclusions: v.optional(v.array(v.string())),
  /** Of the project itself; `${project}` is its folder. */
  environment: v.optional(EnvironmentSchema),
  /** Variables that the user named with `--env`. */
  namedEnvironment: v.optional(EnvironmentSchema),
  /** Of the client, if its machine builds; of it only the variables of compilers count in the key. */
  clientEnvironment: v.optional(EnvironmentSchema),
  /** Those that PATH of `clientEnvironment` leads to. */
  compilers: v.optional(CompilersSchema),
  /** What it needs, each after what that needs in turn. */
  dependencies: v.optional(v.array(DependencySchema)),
});
export type BuildRequest = v.InferOutput<typeof BuildRequestSchema>;

/** The name of a build: equal for requests that give the same binaries. */
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
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32);
}

/** Returns the name of a build that the user made in their own checkout. The compilers of today did not make it. */
export function ownBuildKey(request: Omit<BuildRequest, "source">, stamps: readonly string[]): string {
  const { compilers: _, ...made } = request;
  const identity = [buildKey(made), "own", ...stamps];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32);
}

/** A library or a program that runs can be executed with; its file is relative to the git top level. */
const TargetFileSchema = v.object({
  kind: v.picklist(["library", "executable"]),
  file: RelativePathSchema,
});
export type TargetFile = v.InferOutput<typeof TargetFileSchema>;

/** What a build consists of; stored as `manifest.json` beside its files. */
export const BuildManifestSchema = v.object({
  protocol: v.literal(PROTOCOL),
  /** Libraries and executables, relative to the git top level. */
  products: v.array(RelativePathSchema),
  /** Those that the build's own Makefiles name as their targets; without such Makefiles all of them. */
  targets: v.array(TargetFileSchema),
  /** Other files that the build wrote and that runs may read, relative to the git top level. */
  data: v.optional(v.array(RelativePathSchema)),
  /** NED packages of disabled features, as `.nedexclusions` lists them after the build. */
  nedExclusions: v.array(v.string()),
});
export type BuildManifest = v.InferOutput<typeof BuildManifestSchema>;

/** All files of a build, relative to the git top level. */
export function filesOf({ products, data = [] }: BuildManifest): string[] {
  return [...products, ...data];
}

/** What a builder answers. A build that fails is an answer too: its log is for all campaigns that wait for it. */
export const BuildAnswerSchema = v.variant("ok", [
  v.object({ ok: v.literal(true), tookMs: v.number() }),
  v.object({
    ok: v.literal(false),
    command: v.string(),
    /** What the build printed, the end of it where it is very much; empty where it did not begin. */
    log: v.string(),
    /** Why it did not begin. */
    reason: v.optional(v.string()),
  }),
]);
export type BuildAnswer = v.InferOutput<typeof BuildAnswerSchema>;
