import path from "node:path";
import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { ProjectNameSchema } from "../../model/places.ts";
import type { SwarmFile } from "../../model/swarm-file.ts";
import { readTextIfExists, lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { isProject } from "./find-project.ts";
import { IDE_FILE, referencesInIde } from "./ide-file.ts";
import { readMakefile } from "../files/makefiles.ts";
import type { MakemakeFolder } from "../../omnetpp/makemake.ts";
import type { OppFile } from "./opp-file.ts";
import { SWARM_FILE } from "./swarm-file.ts";

/** A project that another project needs. */
export interface Need {
  name: string;
  /** Environment variable that contains the path of its folder. */
  variable: string;
  /** Its folder, absolute, if given. */
  folder?: string;
  /** Its git repository, and a tag or commit of it, if given. */
  remote?: { url: string; version: string };
  /** The file that names the needed project. */
  statedIn: string;
  /** It may be unused: only the IDE refers to it, or an option with a path of another machine. */
  isReference?: true;
}

/**
 * Returns the projects that a project needs: those in `swarm.json`, otherwise those in the `.opp` file,
 * otherwise those that `opp_makemake` was given, whose environment variable the Makefile reads, or that the
 * IDE lists in `.project`.
 * @see OMNeT++ User Guide, "Project References"; opp_makemake(1): -K.
 */
export async function findNeeds(
  root: string,
  uses: SwarmFile["uses"],
  opp: OppFile | undefined,
  makemake: readonly MakemakeFolder[],
): Promise<Need[]> {
  if (uses !== undefined)
    return uses.map((use) => stated(root, typeof use === "string" ? { name: use } : use));
  if (opp?.usedProjects !== undefined) return opp.usedProjects.map((name) => named(name, opp.file));
  const found = [
    ...(await ofMakemake(root, makemake)),
    ...(await ofMakefile(root)),
    ...(await ofEclipse(root)),
  ];
  return found.filter(
    (need, index) => found.findIndex(({ variable }) => variable === need.variable) === index,
  );
}

function stated(root: string, use: Exclude<NonNullable<SwarmFile["uses"]>[number], string>): Need {
  const { name, folder, url, version, variable } = use;
  const need = named(name, path.join(root, SWARM_FILE));
  return {
    ...need,
    ...(variable !== undefined && { variable }),
    ...(folder !== undefined && { folder: path.resolve(root, folder) }),
    ...(url !== undefined && version !== undefined && { remote: { url, version } }),
  };
}

/**
 * Returns a need by its name.
 * @throws {UserError} if the name cannot be that of a sibling folder: it would lead elsewhere on a worker.
 */
function named(name: string, statedIn: string): Need {
  const result = v.safeParse(ProjectNameSchema, name);
  if (!result.success) {
    throw new UserError(
      `${statedIn} needs a project named ${JSON.stringify(name)}: ${result.issues[0].message}`,
      {
        hint: 'list the projects that it needs in swarm.json: "uses": […]',
      },
    );
  }
  return { name, variable: variableOf(name), statedIn };
}

/** Returns the environment variable for a project: `INET_ROOT` for `inet`, and also for `inet-4.5`. */
export function variableOf(name: string): string {
  return `${withoutVersion(name)
    .toUpperCase()
    .replaceAll(/^(?=\d)|\W/g, "_")}_ROOT`;
}

/**
 * Returns the projects to which the project refers in OMNeT++'s IDE, often only for convenience. References
 * to itself by its folder's name are ignored.
 */
async function ofEclipse(root: string): Promise<Need[]> {
  const file = path.join(root, IDE_FILE);
  const names = referencesInIde((await readTextIfExists(file)) ?? "");
  return names
    .filter((name) => name !== path.basename(root))
    .map((name) => ({ ...named(name, file), isReference: true }));
}

/**
 * Returns the projects in options such as `-KINET_PROJ=../../inet`;
 * paths are relative to the folder of the Makefile.
 */
async function ofMakemake(root: string, makemake: readonly MakemakeFolder[]): Promise<Need[]> {
  const needs: Need[] = [];
  for (const { folder, options } of makemake) {
    for (const [index, option] of options.entries()) {
      const definition =
        option === "-K" ? options[index + 1] : /^(?:-K|--makefile-define=)(.+)/.exec(option)?.[1];
      const [, name, place] = /^(\w+?)_?PROJ=([^$]+)$/.exec(definition ?? "") ?? [];
      if (name === undefined || place === undefined) continue;
      const target = path.resolve(root, folder, place);
      const need = named(name.replace(/[\d_]+$/, "").toLowerCase(), path.join(root, folder, "Makefile"));
      if (await isProject(target)) needs.push({ ...need, folder: target });
      else if (!(await lstatIfExists(target))) needs.push({ ...need, isReference: true }); // of another machine
    }
  }
  return needs;
}

/**
 * Returns the projects of variables such as `$(INET_ROOT)`, if the user's environment has the variable and
 * there is a project in that folder.
 */
async function ofMakefile(root: string): Promise<Need[]> {
  const makefile = await readMakefile(root);
  if (makefile === undefined) return [];
  const { file, text } = makefile;
  const needs: Need[] = [];
  for (const [, name] of text.matchAll(/\$[({](\w+)_ROOT[)}]/g)) {
    const place = process.env[`${name!}_ROOT`];
    if (place === undefined || !(await lstatIfExists(place)) || isInside(place, root)) continue;
    if (await isProject(place))
      needs.push({ ...named(name!.toLowerCase(), file), folder: path.resolve(place) });
  }
  return needs;
}

/** Returns a name without its version: `inet` for `inet-4.5.4` and `inet4.5`. */
export function withoutVersion(name: string): string {
  return name.replace(/[-_ ]?v?\d[\d.x]*$/, "") || name;
}
