import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { contentOf } from "../system/files.ts";
import { isProject } from "./find-project.ts";
import { IDE_FILE, nameInIde } from "./ide-file.ts";
import { withoutVersion, type Need } from "./needs.ts";

/**
 * The folder on this machine of a project that another one needs: where it is said to be, where the environment
 * variable leads, or beside the project that needs it or beside its checkout.
 * @returns absolute, without symbolic links.
 * @throws {UserError} where there is none, or more than one could be meant.
 */
export async function findDependency(need: Need, root: string, top: string): Promise<string> {
  if (need.folder !== undefined) return await projectIn(need.folder, need, "");
  const value = process.env[need.variable];
  if (value !== undefined && value !== "") return await projectIn(value, need, `${need.variable} is `);
  for (const folder of new Set([path.dirname(root), path.dirname(top)])) {
    const found = await amongSiblings(need, folder, root);
    if (found !== undefined) return found;
  }
  throw new UserError(`${need.statedIn} needs the project ${need.name}, which is not found`, {
    hint: `set ${need.variable} to its folder, or say in swarm.json where it is: "uses": [{ "name": "${need.name}", "url": …, "version": … }]; "uses": [] if it is not needed`,
  });
}

async function projectIn(folder: string, need: Need, why: string): Promise<string> {
  if (await isProject(folder)) return await realpath(folder);
  throw new UserError(
    `${need.statedIn} needs the project ${need.name}: ${why}${folder}, where no project lies`,
    {
      hint: "the root of a project has a .nedfolders, .oppbuildspec, Makefile or swarm.json",
    },
  );
}

/** By the folder's name, by the name that the IDE knows it by, or by the name with some version behind it. */
async function amongSiblings(need: Need, parent: string, root: string): Promise<string | undefined> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  const names = folders.map((entry) => entry.name).filter((name) => path.join(parent, name) !== root);
  const wanted = need.name.toLowerCase();
  const exact = names.filter((name) => name.toLowerCase() === wanted);
  const versions = names.filter((name) => withoutVersion(name).toLowerCase() === withoutVersion(wanted));
  for (const candidates of [exact, await knownToIde(need.name, parent, names), versions]) {
    const places = candidates.map((name) => path.join(parent, name));
    const are = await Promise.all(places.map(isProject));
    const projects = places.filter((_, index) => are[index]);
    if (projects.length === 1) return await realpath(projects[0]!);
    if (projects.length > 1) throw ambiguous(need, projects);
  }
  return undefined;
}

async function knownToIde(name: string, parent: string, folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(
    folders.map((folder) => contentOf(path.join(parent, folder, IDE_FILE)).catch(() => undefined)),
  );
  return folders.filter((_, index) => nameInIde(files[index] ?? "") === name);
}

function ambiguous(need: Need, projects: readonly string[]): UserError {
  return new UserError(
    `${need.statedIn} needs the project ${need.name}, and it could be any of ${projects.join(", ")}`,
    { hint: `set ${need.variable} to the one that is meant` },
  );
}
