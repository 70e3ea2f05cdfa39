import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { contentOf } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { findProjectsBelow, isProject } from "./find-project.ts";
import { IDE_FILE, nameInIde } from "./ide-file.ts";
import { withoutVersion, type Need } from "./needs.ts";

/** A project that another one needs is nowhere on this machine. */
export class NotFound extends UserError {
  override name = "NotFound";
}

/**
 * The folder on this machine of a project that another one needs: where it is said to be, where the environment
 * variable leads, beside the project that needs it or one of the folders up to its checkout, or in the checkout.
 * @returns absolute, without symbolic links.
 * @throws {NotFound}
 * @throws {UserError} where none is there, or more than one could be meant.
 */
export async function findDependency(need: Need, root: string, top: string): Promise<string> {
  if (need.folder !== undefined) return await projectIn(need.folder, need, "");
  const value = process.env[need.variable];
  if (value !== undefined && value !== "") return await projectIn(value, need, `${need.variable} is `);
  for (let parent = path.dirname(root); ; parent = path.dirname(parent)) {
    const found = await among(need, await foldersIn(parent), root);
    if (found !== undefined) return found;
    if (!isInside(top, parent)) break; // the folder that the checkout is in
  }
  const within = [...(await foldersIn(root)), ...(await findProjectsBelow(top))];
  const found = await among(need, [...new Set(within)], root);
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

/** By the folder's name, by the name that the IDE knows it by, or by the name with some version behind it. */
async function among(need: Need, folders: readonly string[], root: string): Promise<string | undefined> {
  const others = folders.filter((folder) => folder !== root);
  const wanted = need.name.toLowerCase();
  const nameOf = (folder: string): string => path.basename(folder).toLowerCase();
  const exact = others.filter((folder) => nameOf(folder) === wanted);
  const versions = others.filter((folder) => withoutVersion(nameOf(folder)) === withoutVersion(wanted));
  for (const candidates of [exact, await knownToIde(need.name, others), versions]) {
    const are = await Promise.all(candidates.map(isProject));
    const projects = candidates.filter((_, index) => are[index]);
    if (projects.length === 1) return await realpath(projects[0]!);
    if (projects.length > 1) throw ambiguous(need, projects);
  }
  return undefined;
}

async function knownToIde(name: string, folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(
    folders.map((folder) => contentOf(path.join(folder, IDE_FILE)).catch(() => undefined)),
  );
  return folders.filter((_, index) => nameInIde(files[index] ?? "") === name);
}

function ambiguous(need: Need, projects: readonly string[]): UserError {
  return new UserError(
    `${need.statedIn} needs the project ${need.name}, which could be any of ${projects.join(", ")}`,
    { hint: `set ${need.variable} to the folder of the right one` },
  );
}
