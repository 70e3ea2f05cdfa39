import path from "node:path";
import type { BuildRequest } from "../model/build.ts";
import { readMakefile } from "../project/makefiles.ts";
import { contentOf } from "../system/files.ts";

/** A program of a build. */
export interface Step {
  folder: string;
  command: string;
  args: string[];
  /** What the user is told, where it is not the program with its arguments. */
  title?: string;
  env?: Record<string, string>;
}

/**
 * The programs that make a build, in their order.
 * @param tree the checkout's top level.
 * @param jobs how many files are compiled at once.
 */
export async function stepsOf(request: BuildRequest, tree: string, jobs: number): Promise<Step[]> {
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
    case "make": {
      const folder = path.join(tree, recipe.folder);
      const makefile = (await readMakefile(folder))?.text ?? "";
      const makefiles = /^makefiles\s*:/m.test(makefile);
      return [...(makefiles ? [{ folder, command: "make", args: ["makefiles"] }] : []), make(folder)];
    }
    case "makemake": {
      const project = path.join(tree, request.project);
      const features = await contentOf(path.join(project, ".oppfeatures"));
      const defines = features === undefined ? [] : definesStep(project, features);
      const makemake = features === undefined ? makemakeStep : featuresStep;
      return [
        ...defines,
        ...recipe.folders.flatMap(({ folder, options }) => {
          const place = path.join(tree, folder);
          return [makemake(project, place, ["-f", ...options]), make(place)];
        }),
      ];
    }
  }
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
