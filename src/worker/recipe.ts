import path from "node:path";
import type { BuildRequest } from "../model/build.ts";
import { withExported } from "../project/dependency-options.ts";
import { MAKEFILES, readMakefile } from "../project/makefiles.ts";
import { makemakeCommand, parseMakemakeOptions } from "../project/makemake.ts";
import { libraryNames, makefileTarget, nameOption } from "../project/targets.ts";
import { contentOf } from "../system/files.ts";
import type { ProvidedDependency } from "./dependencies.ts";

/** A program of a build. */
export interface Step {
  folder: string;
  command: string;
  args: string[];
  /** What the user is told, where it is not the program with its arguments. */
  title?: string;
  env?: Record<string, string>;
  /** What is done if it fails; that has to succeed then. */
  orElse?: Step[];
}

export interface StepOptions {
  /** How many files are compiled at once. */
  jobs: number;
  /** What the project needs, built. */
  dependencies: readonly ProvidedDependency[];
}

/**
 * The programs that make a build, in their order.
 * @param tree the checkout's top level.
 */
export async function stepsOf(
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
      const features = await contentOf(path.join(project, ".oppfeatures"));
      const defines = features === undefined ? [] : definesStep(project, features);
      const makemake = features === undefined ? makemakeStep : featuresStep;
      const needed = dependencies.map(exportedBy);
      const steps = recipe.folders.map(async ({ folder, options }) => {
        const place = path.join(tree, folder);
        const known = await generatedMakefile(place);
        if (known !== undefined) return [{ ...make(place), orElse: [regenerate(place, known), make(place)] }];
        return [makemake(project, place, ["-f", ...withExported(options, needed)]), make(place)];
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

/** One that git tracks counts as it is, as for `make`: it has the name of the target, and perhaps changes by hand. */
async function generatedMakefile(folder: string): Promise<string | undefined> {
  const makefile = (await readMakefile(folder))?.text;
  return makefile !== undefined && makemakeCommand(makefile) !== undefined ? makefile : undefined;
}

/** A generated Makefile of another version of OMNeT++ may not work: it is generated again, with the same options and name. */
function regenerate(folder: string, makefile: string): Step {
  const options = parseMakemakeOptions(makemakeCommand(makefile) ?? "");
  const name = makefileTarget(makefile, "")?.name;
  const named = name === undefined || nameOption(options) !== undefined ? [] : ["-o", name];
  return { folder, command: "opp_makemake", args: ["-f", ...options, ...named] };
}

/** As the IDE does before it builds. */
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

/** The features that are enabled decide what is compiled. @see opp_featuretool(1): options, defines. */
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
