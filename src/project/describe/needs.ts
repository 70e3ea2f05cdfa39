import path from "node:path";
import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { ProjectNameSchema } from "../../model/places.ts";
import type { SwarmFile } from "../../model/swarm-file.ts";
import { contentOf, statIfThere } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { isProject } from "./find-project.ts";
import { IDE_FILE, referencesInIde } from "./ide-file.ts";
import { readMakefile } from "../files/makefiles.ts";
import type { MakemakeFolder } from "../../omnetpp/makemake.ts";
import type { OppFile } from "./opp-file.ts";
import { SWARM_FILE } from "./swarm-file.ts";

/** A project that another one needs. */
export interface Need {
  name: string;
  /** Environment variable with its folder. */
  variable: string;
  /** Where it lies, absolute, if that is said. */
  folder?: string;
  /** Its git repository, and a tag or commit of it. */
  remote?: { url: string; version: string };
  /** The file that says so. */
  statedIn: string;
  /** The IDE refers to it, which many projects do for convenience only. */
  isReference?: true;
}

/**
 * The projects that the one in a folder needs: those of `swarm.json`, else of the `.opp` file, else those that
 * the IDE has noted in `.project`, that `opp_makemake` was given, or whose environment variable the Makefile reads.
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
  return found.filter((need, at) => found.findIndex(({ variable }) => variable === need.variable) === at);
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

/** @throws {UserError} for a name that can be no folder beside the project: it would lead elsewhere on a worker. */
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

/** `INET_ROOT` for `inet`, and for `inet-4.5` as well: the version is no part of the name. */
export function variableOf(name: string): string {
  return `${withoutVersion(name)
    .toUpperCase()
    .replaceAll(/^(?=\d)|\W/g, "_")}_ROOT`;
}

/**
 * The projects in which OMNeT++'s IDE is told to look for what this one uses; many are there for convenience only. One
 * that refers to itself by the name of its folder needs nothing.
 */
async function ofEclipse(root: string): Promise<Need[]> {
  const file = path.join(root, IDE_FILE);
  const names = referencesInIde((await contentOf(file)) ?? "");
  return names
    .filter((name) => name !== path.basename(root))
    .map((name) => ({ ...named(name, file), isReference: true }));
}

/** `-KINET_PROJ=../../inet`, relative to the folder of the Makefile. */
async function ofMakemake(root: string, makemake: readonly MakemakeFolder[]): Promise<Need[]> {
  const needs: Need[] = [];
  for (const { folder, options } of makemake) {
    for (const [at, option] of options.entries()) {
      const definition =
        option === "-K" ? options[at + 1] : /^(?:-K|--makefile-define=)(.+)/.exec(option)?.[1];
      const [, name, place] = /^(\w+?)_?PROJ=([^$]+)$/.exec(definition ?? "") ?? [];
      if (name === undefined || place === undefined) continue;
      const target = path.resolve(root, folder, place);
      const need = named(name.replace(/[\d_]+$/, "").toLowerCase(), path.join(root, folder, "Makefile"));
      if (await isProject(target)) needs.push({ ...need, folder: target });
      else if (!(await statIfThere(target))) needs.push({ ...need, isReference: true }); // of another machine
    }
  }
  return needs;
}

/** `$(INET_ROOT)`, where the user's environment has it and a project lies there. */
async function ofMakefile(root: string): Promise<Need[]> {
  const makefile = await readMakefile(root);
  if (makefile === undefined) return [];
  const { file, text } = makefile;
  const needs: Need[] = [];
  for (const [, name] of text.matchAll(/\$[({](\w+)_ROOT[)}]/g)) {
    const place = process.env[`${name!}_ROOT`];
    if (place === undefined || !(await statIfThere(place)) || isInside(place, root)) continue;
    if (await isProject(place))
      needs.push({ ...named(name!.toLowerCase(), file), folder: path.resolve(place) });
  }
  return needs;
}

/** `inet` for `inet-4.5.4` and `inet4.5`. */
export function withoutVersion(name: string): string {
  return name.replace(/[-_ ]?v?\d[\d.x]*$/, "") || name;
}
