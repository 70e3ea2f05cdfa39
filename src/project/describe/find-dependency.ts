import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { readTextIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { findProjectsBelow, isProject } from "./find-project.ts";
import { IDE_FILE, nameInIde } from "./ide-file.ts";
import { withoutVersion, type Need } from "./needs.ts";

/** A needed project does not exist on this machine. */
export class NotFound extends UserError {
  override name = "NotFound";
}

/**
 * Returns the folder of a needed project on this machine: the given folder, otherwise that in the environment
 * variable, otherwise one next to the dependent project or to one of its parent folders in the checkout,
 * otherwise one anywhere in the checkout.
 * @returns an absolute path, without symbolic links.
 * @throws {NotFound} if there is none.
 * @throws {UserError} if there is no project in the given folder, or several are possible.
 */
export async function findDependency(need: Need, root: string, top: string): Promise<string> {
  if (need.folder !== undefined) return await projectIn(need.folder, need, "");
  const value = process.env[need.variable];
  if (value !== undefined && value !== "") return await projectIn(value, need, `${need.variable} is `);
  for (let parent = path.dirname(root); ; parent = path.dirname(parent)) {
    const found = await findAmong(need, await foldersIn(parent), root);
    if (found !== undefined) return found;
    if (!isInside(top, parent)) break; // this was the parent folder of the checkout
  }
  const within = [...(await foldersIn(root)), ...(await findProjectsBelow(top))];
  const found = await findAmong(need, [...new Set(within)], root);
  if (found !== undefined) return found;
  throw new NotFound(`${need.statedIn} needs the project ${need.name}, which was not found`, {
    hint: `set ${need.variable} to its folder, or give its location in swarm.json: "uses": [{ "name": "${need.name}", "url": …, "version": … }]; use "uses": [] if it is not needed`,
  });
}

async function projectIn(folder: string, need: Need, why: string): Promise<string> {
  if (await isProject(folder)) return await realpath(folder);
  throw new UserError(
    `${need.statedIn} needs the project ${need.name}: ${why}${folder}, which is not a project`,
    {
      hint: "the root of a project has a .nedfolders, .oppbuildspec, Makefile or swarm.json",
    },
  );
}

async function foldersIn(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  return folders.map((entry) => path.join(parent, entry.name));
}

/**
 * Returns the project among some folders that is meant: by the folder's name, by its name in the IDE, or by
 * its name with any version appended.
 */
async function findAmong(need: Need, folders: readonly string[], root: string): Promise<string | undefined> {
  const others = folders.filter((folder) => folder !== root);
  const wanted = need.name.toLowerCase();
  const nameOf = (folder: string): string => path.basename(folder).toLowerCase();
  const exact = others.filter((folder) => nameOf(folder) === wanted);
  const versions = others.filter((folder) => withoutVersion(nameOf(folder)) === withoutVersion(wanted));
  for (const candidates of [exact, await namedInIde(need.name, others), versions]) {
    const areProjects = await Promise.all(candidates.map(isProject));
    const projects = candidates.filter((_, index) => areProjects[index]);
    if (projects.length === 1) return await realpath(projects[0]!);
    if (projects.length > 1) throw ambiguous(need, projects);
  }
  return undefined;
}

async function namedInIde(name: string, folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(
    folders.map((folder) => readTextIfExists(path.join(folder, IDE_FILE)).catch(() => undefined)),
  );
  return folders.filter((_, index) => nameInIde(files[index] ?? "") === name);
}

function ambiguous(need: Need, projects: readonly string[]): UserError {
  return new UserError(
    `${need.statedIn} needs the project ${need.name}, which could be any of ${projects.join(", ")}`,
    { hint: `set ${need.variable} to the folder of the right one` },
  );
}
