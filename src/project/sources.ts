import { createHash } from "node:crypto";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { Recipe } from "../model/build.ts";
import { isCode } from "./code-files.ts";
import type { ProjectDescriptor } from "./descriptor.ts";
import type { TreeEntry } from "./git.ts";
import { MAKEFILES } from "./makefiles.ts";

/** What no compiler and no Makefile of an OMNeT++ project reads. All else counts as a source of the build. */
const NOT_COMPILED = new Set(
  ".ini .ned .anf .sca .vec .vci .md .rst .png .svg .jpg .jpeg .gif .pdf .html .csv .ipynb .pcap .mkv .mp4".split(
    " ",
  ),
);

/** Hash over the names and contents of all files that may influence the binaries. */
export function sourcesHash(tree: readonly TreeEntry[]): string {
  const hash = createHash("sha256");
  for (const { mode, object, path: file } of tree) {
    if (!NOT_COMPILED.has(path.extname(file).toLowerCase())) hash.update(`${mode} ${object} ${file}\0`);
  }
  return hash.digest("hex");
}

const BUILD_FILES = new Set([
  ...MAKEFILES,
  ..."makefrag makefile.inc configure .oppbuildspec .oppfeatures".split(" "),
]);

/** True for the files whose change makes binaries out of date: code, and what describes the build. */
export function decidesBuild(file: string): boolean {
  const name = path.basename(file);
  return isCode(file) || BUILD_FILES.has(name);
}

/**
 * How a commit's binaries are made: by the commands that the project names, by its `configure`, or by a
 * Makefile that git tracks. One that git does not track is not in the commit, so `opp_makemake` has to write it
 * again.
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
    throw new UserError(`the project ${project.name} is built by CMake, and nothing says by which commands`, {
      hint: 'name them in swarm.json: "build": ["cmake -S . -B build", "cmake --build build"]',
    });
  }
  const code = tree.some((entry) => isWithin(folder, entry.path) && isCode(entry.path));
  if (!code) return { kind: "none" };
  return { kind: "makemake", folders: makemake.length > 0 ? makemake : [{ folder, options: ["--deep"] }] };
}

const EXECUTABLE = "100755";

/** Both relative to the git top level, whose folder is empty. */
export function isWithin(folder: string, file: string): boolean {
  return folder === "" || file.startsWith(`${folder}/`);
}
