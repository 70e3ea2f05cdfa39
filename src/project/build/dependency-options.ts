import path from "node:path";
import type { Recipe } from "../../model/build.ts";
import { isInside } from "../../system/paths.ts";

/** What the build of a project needs to know about a project that it needs. */
export interface NeededProject {
  variable: string;
  /** Its folder on this machine, absolute. */
  root: string;
}

/** The libraries that the build of a needed project has produced. */
export interface ExportedLibraries {
  variable: string;
  /** Relative to the project's folder, without prefix and suffix. */
  libraries: string[];
}

/**
 * Returns a recipe in which paths into needed projects begin with the projects' environment variables,
 * because the projects are elsewhere on a worker.
 * @param top git top level on this machine, absolute.
 * @see opp_makemake(1): -I, -L, -K.
 */
export function withNeeded(recipe: Recipe, top: string, needed: readonly NeededProject[]): Recipe {
  if (recipe.kind !== "makemake" || needed.length === 0) return recipe;
  const folders = recipe.folders.map(({ folder, options }) => {
    const own = options.map((option, index) =>
      replacePathByVariable(option, options[index - 1], path.join(top, folder), needed),
    );
    return { folder, options: own };
  });
  return { kind: "makemake", folders };
}

function replacePathByVariable(
  option: string,
  before: string | undefined,
  folder: string,
  needed: readonly NeededProject[],
): string {
  const attached = /^(-[IL]|(?:-K|--makefile-define=)?\w+=|--(?:includedir|libdir)=)([^$]+)$/.exec(option);
  const separate = ["-I", "-L", "--includedir", "--libdir"].includes(before ?? "") && !option.includes("$");
  const [prefix, place] = attached ? [attached[1]!, attached[2]!] : separate ? ["", option] : ["", undefined];
  if (place === undefined) return option;
  const absolute = path.resolve(folder, place);
  const target = needed.find(({ root }) => isInside(root, absolute));
  if (target === undefined) return option;
  return prefix + within(target.variable, path.relative(target.root, absolute));
}

/**
 * Returns options of `opp_makemake`, extended by those that are needed to find headers and libraries of
 * needed projects. The IDE adds these options automatically.
 * @see OMNeT++ User Guide, "Makemake options": --meta:use-exported-libs; opp_makemake(1): -I, -L, -l.
 */
export function withExported(options: readonly string[], needed: readonly ExportedLibraries[]): string[] {
  return [...options, ...needed.flatMap((each) => exported(each, options))];
}

function exported({ variable, libraries }: ExportedLibraries, options: readonly string[]): string[] {
  return libraries.flatMap((library) => {
    const { dir, base: name } = path.parse(library);
    if (options.some((option) => option === `-l${name}` || option.startsWith(`-l${name}$`))) return [];
    const place = within(variable, dir);
    return [`-I${place}`, `-L${place}`, `-l${name}$(D)`];
  });
}

function within(variable: string, folder: string): string {
  return folder === "" || folder === "." ? `$(${variable})` : `$(${variable})/${folder}`;
}
