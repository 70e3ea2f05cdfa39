import { createHash } from "node:crypto";
import path from "node:path";
import type { Recipe } from "../model/build.ts";
import type { ProjectDescriptor } from "./descriptor.ts";
import type { TreeEntry } from "./git.ts";

/** What no compiler and no Makefile of an OMNeT++ project reads. All else counts as a source of the build. */
const NOT_COMPILED = new Set(
  ".ini .ned .anf .sca .vec .vci .md .rst .png .svg .jpg .jpeg .gif .pdf .html .csv .ipynb .pcap .mkv .mp4".split(
    " ",
  ),
);

const CODE = new Set(".cc .cpp .cxx .c .h .hpp .hh .msg .sm".split(" "));

/** Hash over the names and contents of all files that may influence the binaries. */
export function sourcesHash(tree: readonly TreeEntry[]): string {
  const hash = createHash("sha256");
  for (const { mode, object, path: file } of tree) {
    if (!NOT_COMPILED.has(path.extname(file).toLowerCase())) hash.update(`${mode} ${object} ${file}\0`);
  }
  return hash.digest("hex");
}

export function isCode(file: string): boolean {
  return CODE.has(path.extname(file));
}

/** True for the files whose change makes binaries out of date: code, and what describes the build. */
export function decidesBuild(file: string): boolean {
  const name = path.basename(file);
  return (
    isCode(file) || ["Makefile", "makefrag", "makefile.inc", ".oppbuildspec", ".oppfeatures"].includes(name)
  );
}

/**
 * How a commit's binaries are made. A Makefile that git tracks is the project's own recipe; one that it does
 * not track is not in the commit, so `opp_makemake` has to write it again.
 */
export function recipeFor(project: ProjectDescriptor, tree: readonly TreeEntry[]): Recipe {
  const inProject = (file: string): boolean => project.folder === "" || file.startsWith(`${project.folder}/`);
  if (tree.some((entry) => entry.path === path.posix.join(project.folder, "Makefile"))) {
    return { kind: "make", folder: project.folder };
  }
  if (project.makemake.length > 0) return { kind: "makemake", folders: project.makemake };
  if (!tree.some((entry) => inProject(entry.path) && isCode(entry.path))) return { kind: "none" };
  return { kind: "makemake", folders: [{ folder: project.folder, options: ["--deep"] }] };
}
