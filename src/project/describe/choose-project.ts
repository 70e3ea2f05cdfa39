import path from "node:path";
import { UserError } from "../../errors.ts";
import { readTextIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { findProjectAbove, findProjectsBelow } from "./find-project.ts";
import { IDE_FILE, nameInIde, referencesInIde } from "./ide-file.ts";

/**
 * Returns the absolute paths that the command line and the
 * ini files name: NED folders, libraries, included files.
 */
export type Leads = () => Promise<readonly string[]>;

export interface ChosenProject {
  /** Absolute path of the project. */
  root: string;
  /** Why it is the study's project, as half a sentence. */
  reason: string;
}

/**
 * Returns the project that a study belongs to: the one that contains the study,
 * otherwise another one in the checkout. Of several, it is the one to which a
 * path leads that the study names, or the one to which no other project refers.
 * @throws {UserError} with their names, if several are possible.
 */
export async function chooseProject(
  top: string,
  study: string,
  leads: Leads = () => Promise.resolve([]),
): Promise<ChosenProject> {
  const above = await findProjectAbove(top, study);
  if (above.root !== undefined) return { root: above.root, reason: above.reason ?? "" };
  const withMakefile =
    above.withMakefile === undefined
      ? undefined
      : { root: above.withMakefile, reason: "it is the nearest folder with a Makefile" };
  const projects = await findProjectsBelow(top);
  if (projects[0] === undefined)
    return (
      withMakefile ?? { root: top, reason: "it is the git top level, and nothing else describes a project" }
    );
  if (projects.length === 1) return { root: projects[0], reason: "it is the only project of the checkout" };
  const paths = await leads();
  const named = projects.filter((project) => paths.some((each) => isInside(project, each)));
  if (named.length === 1) return { root: named[0]!, reason: "the study names a path in it" };
  const candidates = named.length > 1 ? named : projects;
  const independent = await notNeeded(candidates);
  if (independent.length === 1)
    return { root: independent[0]!, reason: "no other project of the checkout refers to it" };
  if (named.length === 0 && withMakefile !== undefined) return withMakefile;
  throw ambiguous(study, candidates);
}

/** Returns the projects to which no other project refers. */
async function notNeeded(projects: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(
    projects.map(
      async (project) => (await readTextIfExists(path.join(project, IDE_FILE)).catch(() => "")) ?? "",
    ),
  );
  const references = texts.map(referencesInIde);
  return projects.filter((project, index) => {
    const names = [path.basename(project), nameInIde(texts[index]!)];
    return !references.some((list, by) => by !== index && list.some((name) => names.includes(name)));
  });
}

const MOST_NAMED = 10;

function ambiguous(study: string, projects: readonly string[]): UserError {
  const places = projects.map((project) => path.relative(study, project));
  const more = places.length > MOST_NAMED ? `, and ${places.length - MOST_NAMED} more` : "";
  const example = places[0]!;
  return new UserError(
    `${study} is not in a project, and the checkout has ${places.length} projects: ${places.slice(0, MOST_NAMED).join(", ")}${more}`,
    {
      hint: `name a folder or library of the one to use, such as -n ${example}, or write a swarm.json beside the ini file: { "uses": [{ "name": ${JSON.stringify(path.basename(example))}, "folder": ${JSON.stringify(example)} }] }`,
    },
  );
}
