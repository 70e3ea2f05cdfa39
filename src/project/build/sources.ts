import { createHash } from "node:crypto";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Recipe } from "../../model/build.ts";
import { isCompiled } from "../files/code-files.ts";
import type { ProjectDescriptor } from "../describe/descriptor.ts";
import type { TreeEntry } from "../git/git.ts";
import { MAKEFILES } from "../files/makefiles.ts";

/** Returns a hash over the names, modes and contents of files: those that decide a build, or those that runs can read. */
export function sourcesHash(sources: readonly TreeEntry[]): string {
  const hash = createHash("sha256");
  for (const { mode, object, path: file } of sources) hash.update(`${mode} ${object} ${file}\0`);
  return hash.digest("hex");
}

/**
 * Returns how the binaries of a tree are built: by the commands that the project
 * names, by its `configure`, or by a Makefile that git tracks. A Makefile that
 * git does not track is not in the tree, so `opp_makemake` generates it again.
 * @throws {UserError} if the project uses CMake in an unknown way.
 */
export function recipeFor(project: ProjectDescriptor, tree: readonly TreeEntry[]): Recipe {
  const { folder, commands, makemake } = project;
  const tracked = (name: string): TreeEntry | undefined =>
    tree.find((entry) => entry.path === path.posix.join(folder, name));
  if (commands !== undefined) return { kind: "commands", folder, commands };
  if (tracked("configure")?.mode === EXECUTABLE) return { kind: "configure", folder };
  const isTracked = MAKEFILES.some((name) => tracked(name) !== undefined);
  if (
    isTracked &&
    (project.makefile === "written" || (project.makefile !== undefined && makemake.length === 0))
  )
    return { kind: "make", folder, ...(makemake.length > 0 && { folders: makemake }) };
  if (project.isOtherCmake) {
    throw new UserError(`the project ${project.name} uses CMake, but no build commands are given`, {
      hint: 'add them to swarm.json: "build": ["cmake -S . -B build", "cmake --build build"]',
    });
  }
  const code = tree.some((entry) => isWithin(folder, entry.path) && isCompiled(entry.path));
  if (!code) return { kind: "none" };
  return { kind: "makemake", folders: makemake.length > 0 ? makemake : [{ folder, options: ["--deep"] }] };
}

const EXECUTABLE = "100755";

/**
 * Returns whether a file is in a folder; both paths are
 * relative to the git top level, whose own path is empty.
 */
export function isWithin(folder: string, file: string): boolean {
  return folder === "" || file.startsWith(`${folder}/`);
}
