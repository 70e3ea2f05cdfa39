import path from "node:path";
import type { BuildRequest } from "../../model/build.ts";
import { withExported } from "../../project/build/dependency-options.ts";
import { MAKEFILES, readMakefile } from "../../project/files/makefiles.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import { libraryNames, makefileTarget, nameOption } from "../../omnetpp/targets.ts";
import { readTextIfExists } from "../../system/files.ts";
import type { ProvidedDependency } from "../tree/dependencies.ts";

/** A command of a build. */
export interface Step {
  folder: string;
  command: string;
  args: string[];
  /** How the step is shown to the user; the command with its arguments by default. */
  title?: string;
  env?: Record<string, string>;
  /** Steps to execute if this one fails. They must succeed. */
  orElse?: Step[];
}

export interface StepOptions {
  /** Number of files to compile concurrently. */
  jobs: number;
  /** The projects that this one needs, which have been built. */
  dependencies: readonly ProvidedDependency[];
}

/**
 * Returns the steps of a build in their order.
 * @param tree the checkout's top level.
 */
export async function buildSteps(
  request: BuildRequest,
  tree: string,
  { jobs, dependencies }: StepOptions,
): Promise<Step[]> {
  const { recipe, mode } = request;
  const make = (folder: string): Step => ({ folder, command: "make", args: [`MODE=${mode}`, `-j${jobs}`] });
  switch (recipe.kind) {
    case "none":
      return [];
    case "commands": {
      const env = { MODE: mode, JOBS: String(jobs) };
      const folder = path.join(tree, recipe.folder);
      return recipe.commands.map((line) => ({ folder, command: "sh", args: ["-c", line], title: line, env }));
    }
    case "configure": {
      const folder = path.join(tree, recipe.folder);
      return [{ folder, command: "./configure", args: [] }, make(folder)];
    }
    case "make":
      return await makeSteps(recipe, tree, make);
    case "makemake": {
      const project = path.join(tree, request.project);
      const features = await readTextIfExists(path.join(project, ".oppfeatures"));
      const defines = features === undefined ? [] : definesStep(project, features);
      const makemake = features === undefined ? makemakeStep : featuresStep;
      const needed = dependencies.map(exportedBy);
      const steps = recipe.folders.map(async ({ folder, options }) => {
        const place = path.join(tree, folder);
        const known = await generatedMakefile(place);
        const all = ["-f", ...withExported(options, needed), ...nameIn(known, options)];
        const generated = [makemake(project, place, all), make(place)];
        return known === undefined ? generated : [{ ...make(place), orElse: generated }];
      });
      return [...defines, ...(await Promise.all(steps)).flat()];
    }
  }
}

async function makeSteps(
  recipe: BuildRequest["recipe"] & { kind: "make" },
  tree: string,
  make: (folder: string) => Step,
): Promise<Step[]> {
  const folder = path.join(tree, recipe.folder);
  const makefile = (await readMakefile(folder))?.text ?? "";
  const makefiles = /^makefiles\s*:/m.test(makefile);
  const missing = (recipe.folders ?? []).map((each) => ifMissing(path.join(tree, each.folder), each.options));
  return [...(makefiles ? [{ folder, command: "make", args: ["makefiles"] }] : missing), make(folder)];
}

/**
 * Returns a folder's Makefile if opp_makemake generated it. One that git tracks is used as it is, because it
 * may have been edited by hand.
 */
async function generatedMakefile(folder: string): Promise<string | undefined> {
  const makefile = (await readMakefile(folder))?.text;
  return makefile !== undefined && makemakeCommand(makefile) !== undefined ? makefile : undefined;
}

/**
 * Returns the option that preserves the target's name when a Makefile from another machine or OMNeT++ is
 * regenerated.
 */
function nameIn(makefile: string | undefined, options: readonly string[]): string[] {
  const name = makefile === undefined ? undefined : makefileTarget(makefile, "")?.name;
  return name === undefined || nameOption(options) !== undefined ? [] : ["-o", name];
}

/** Returns a step that generates a Makefile if there is none, as the IDE does before a build. */
function ifMissing(folder: string, options: readonly string[]): Step {
  const script = `for f in ${MAKEFILES.join(" ")}; do [ -e "$f" ] && exit; done; exec opp_makemake "$@"`;
  const title = `opp_makemake ${["-f", ...options].join(" ")}`;
  return { folder, command: "sh", args: ["-c", script, "sh", "-f", ...options], title };
}

function exportedBy({ dependency, manifest }: ProvidedDependency) {
  const libraries = dependency.libraries ?? libraryNames(manifest.targets);
  return {
    variable: dependency.variable,
    libraries: libraries.map((library) => path.relative(dependency.project, library)),
  };
}

function makemakeStep(_project: string, folder: string, args: string[]): Step {
  return { folder, command: "opp_makemake", args };
}

/**
 * Returns a step that generates a Makefile with the options of the enabled features.
 * @see `opp_featuretool --help`: options, defines.
 */
function featuresStep(project: string, folder: string, args: string[]): Step {
  const script =
    'cd "$1" && FEATURES=$(opp_featuretool options -f -l) && cd "$2" && shift 2 && opp_makemake "$@" $FEATURES';
  return {
    folder: project,
    command: "sh",
    args: ["-c", script, "sh", project, folder, ...args],
    title: `opp_makemake ${args.join(" ")} $(opp_featuretool options -f -l)`,
  };
}

function definesStep(project: string, features: string): Step[] {
  const file = /\bdefinesFile\s*=\s*"([^"]+)"/.exec(features)?.[1];
  if (file === undefined) return [];
  const args = ["-c", 'opp_featuretool defines >"$1"', "sh", file];
  return [{ folder: project, command: "sh", args, title: `opp_featuretool defines >${file}` }];
}
