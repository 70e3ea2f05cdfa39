import path from "node:path";
import {
  buildKey,
  ownBuildKey,
  type BuildRequest,
  type Compilers,
  type Dependency,
  type Mode,
  type Omnetpp,
  type Recipe,
} from "../../model/build.ts";
import { buildVariables, type Environment } from "../../model/environment.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import { no } from "../../model/verdict.ts";
import { readCode, type Code } from "../../project/git/code.ts";
import { withNeeded, type NeededProject } from "../../project/build/dependency-options.ts";
import type { ProjectDescriptor } from "../../project/describe/descriptor.ts";
import { findBuildSources } from "../../project/build/build-sources.ts";
import { checkoutName, type TreeEntry } from "../../project/git/git.ts";
import { linkedOmnetpp } from "../../project/build/linked-omnetpp.ts";
import { findOwnBuild, newerCode, type OwnBinaries } from "../../project/build/own-build.ts";
import { recipeFor, sourcesHash } from "../../project/build/sources.ts";
import type { WorkTreeRequest } from "../../project/git/reading.ts";

/** A project whose binaries are needed: that of the study, or one that it needs. */
export interface ProjectPlan {
  gitTop: string;
  code: Code;
  /** The files that decide the build. */
  sources: readonly TreeEntry[];
  /** The dependencies have no source yet: it is known after they were sent. */
  build: Omit<BuildRequest, "source">;
  ownBuild: OwnBinaries;
}

/** A needed project, with its code and how it is built. */
export interface DependencyPlan extends ProjectPlan {
  about: Omit<Dependency, "source" | "buildKey">;
  project: ProjectDescriptor;
}

/** Settings that all builds of a campaign have in common. */
export interface BuildSettings {
  mode: Mode;
  omnetpp: Omnetpp;
  /** Variables that the user named with `--env`. */
  named?: Environment | undefined;
  /** Environment of the client, for builds on its machine. */
  client?: Environment | undefined;
  /** Those of the client's PATH. */
  compilers?: Compilers | undefined;
}

export interface ProjectRequest extends BuildSettings {
  project: ProjectDescriptor;
  code: Code;
  /** How to read the work tree, if the code is that of a commit. */
  workTree: WorkTreeRequest;
  /** The projects that it needs, in build order: each after those that it needs itself. */
  dependencies: readonly DependencyPlan[];
}

/** Returns how a project is built, and whether the user's own build can be used. */
export async function planProject(question: ProjectRequest, signal?: AbortSignal): Promise<ProjectPlan> {
  const { project, code, mode, omnetpp, named = {}, client, compilers, dependencies } = question;
  const { top } = code.checkout;
  const { stateFiles, nedExclusions, environment } = project;
  const recipe = recipeFor(project, code.entries);
  const sources = await findBuildSources({ project, recipe, code, signal });
  const build: ProjectPlan["build"] = {
    protocol: PROTOCOL,
    sourcesHash: sourcesHash(sources),
    checkoutName: checkoutName(code.checkout),
    project: project.folder,
    recipe: withNeeded(recipe, top, dependencies.map(neededProject)),
    mode,
    omnetpp,
    ...(Object.keys(stateFiles).length > 0 && { stateFiles }),
    ...(nedExclusions !== undefined && { nedExclusions }),
    ...(Object.keys(environment).length > 0 && { environment }),
    ...(Object.keys(named).length > 0 && { namedEnvironment: named }),
    ...(client !== undefined && { clientEnvironment: client }),
    ...(compilers !== undefined && { compilers }),
    ...(dependencies.length > 0 && { dependencies: dependencies.map(asDependency) }),
  };
  return {
    gitTop: top,
    code,
    sources,
    build,
    ownBuild: await ownBuild(question, { recipe, sources }, signal),
  };
}

/** Returns the name of a plan's build: the user's own build, or a new one. */
export function plannedKey({ build, ownBuild }: Pick<ProjectPlan, "build" | "ownBuild">): string {
  return ownBuild.ok ? ownBuildKey(build, ownBuild.build.stamps) : buildKey(build);
}

/** Returns an ID that is unique among the projects that a plan needs. */
export function dependencyId({
  checkoutName,
  project,
}: Pick<Dependency, "checkoutName" | "project">): string {
  return `${checkoutName} ${project}`;
}

/** Returns a dependency as the project that needs it names it; its source is known after it was sent. */
function asDependency(plan: DependencyPlan): Dependency {
  return { ...plan.about, buildKey: plannedKey(plan) };
}

function neededProject({ about, gitTop, project }: DependencyPlan): NeededProject {
  return { variable: about.variable, root: path.join(gitTop, project.folder) };
}

/**
 * Returns the user's own build, or why it cannot be used. It belongs to the work tree, so it can only be used
 * for a commit with the same sources.
 */
async function ownBuild(
  { project, code, mode, omnetpp, workTree, named = {}, dependencies }: ProjectRequest,
  { recipe, sources }: { recipe: Recipe; sources: readonly TreeEntry[] },
  signal?: AbortSignal,
): Promise<OwnBinaries> {
  const [compiling] = Object.keys(buildVariables(named));
  if (compiling !== undefined) return no(`${compiling} is set with --env`);
  for (const { about, ownBuild: theirs } of dependencies)
    if (!theirs.ok) return no(`${about.name} is built by the swarm: ${theirs.reason}`);
  const question = { top: code.checkout.top, project, mode };
  await using current = code.checkedOut ? undefined : await readCode(workTree, undefined, signal);
  const here =
    current === undefined ? sources : await findBuildSources({ project, recipe, code: current, signal });
  if (sourcesHash(here) !== sourcesHash(sources)) return no("other sources are checked out");
  const { entries: tree, changed } = current ?? code;
  const found = await findOwnBuild({ ...question, tree, changed, sources: here });
  if (!found.ok) return found;
  const { products, builtAt } = found.build;
  for (const product of products) {
    const linked = await linkedOmnetpp(path.join(question.top, product));
    if (linked === undefined || linked.version === omnetpp.version) continue;
    const which = linked.version ?? `in ${linked.folder}, which does not exist`;
    return no(`${product} was built with OMNeT++ ${which}, not ${omnetpp.version}`);
  }
  for (const each of dependencies) {
    const { gitTop: top } = each;
    const newer = await newerCode({ top, project: each.project, sources: each.sources }, builtAt);
    if (newer !== undefined) return no(`${newer} of ${each.about.name} is newer than ${products[0]!}`);
  }
  return found;
}
