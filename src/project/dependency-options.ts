import path from "node:path";
import type { Recipe } from "../model/build.ts";
import { isInside } from "../system/paths.ts";
import type { Target } from "./targets.ts";

/** What the build of a project has to know of one that it needs. */
export interface NeededProject {
  variable: string;
  /** Its folder here, absolute. */
  root: string;
  /** Relative to its folder. */
  libraries: Pick<Target, "folder" | "name">[];
}

/**
 * The recipe with what `opp_makemake` has to know of the projects that are needed: paths into them go by their
 * environment variables, because on a worker they lie elsewhere, and their headers and libraries are found, which
 * the IDE adds by itself.
 * @param top the git top level here, absolute.
 * @see OMNeT++ User Guide, "Makemake options": --meta:use-exported-libs; opp_makemake(1): -I, -L, -l, -K.
 */
export function withNeeded(recipe: Recipe, top: string, needed: readonly NeededProject[]): Recipe {
  if (recipe.kind !== "makemake" || needed.length === 0) return recipe;
  const folders = recipe.folders.map(({ folder, options }) => {
    const own = options.map((option, at) =>
      byVariable(option, options[at - 1], path.join(top, folder), needed),
    );
    return { folder, options: [...own, ...needed.flatMap((each) => exported(each, own))] };
  });
  return { kind: "makemake", folders };
}

function byVariable(
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

function exported({ variable, libraries }: NeededProject, options: readonly string[]): string[] {
  return libraries.flatMap(({ folder, name }) => {
    if (options.some((option) => option === `-l${name}` || option.startsWith(`-l${name}$`))) return [];
    const place = within(variable, folder);
    return [`-I${place}`, `-L${place}`, `-l${name}$(D)`];
  });
}

function within(variable: string, folder: string): string {
  return folder === "" || folder === "." ? `$(${variable})` : `$(${variable})/${folder}`;
}
