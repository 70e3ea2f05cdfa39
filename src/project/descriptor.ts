import { readFile } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import { isInside } from "../system/paths.ts";
import { statIfThere } from "../system/files.ts";
import { makemakeFolders, parseMakemakeOptions, type MakemakeFolder } from "./makemake.ts";

/** What a project says of itself in files that OMNeT++ projects have anyway. Paths are relative to the git top level. */
export interface ProjectDescriptor {
  /** The project's folder; empty for the top level. */
  folder: string;
  /** `.nedfolders`, else the project's folder. */
  nedFolders: string[];
  /** From `.oppbuildspec`, else from the header of a Makefile that `opp_makemake` wrote; may be empty. */
  makemake: MakemakeFolder[];
  targets: Target[];
  /** Content of `.oppfeaturestate`. */
  featureState: string | undefined;
}

/** What the linker makes. */
export interface Target {
  kind: "library" | "executable";
  folder: string;
  /** Without `lib`, `_dbg` and suffix. */
  name: string;
}

const PROJECT_FILES = [".oppbuildspec", ".nedfolders", "Makefile"];

/**
 * Reads the description of the project that a study belongs to: the nearest folder from the study upwards
 * with one of `.oppbuildspec`, `.nedfolders` and `Makefile`, within the checkout.
 * @see OMNeT++ User Guide, "The .oppbuildspec file"; opp_makemake(1).
 */
export async function describeProject(top: string, study: string): Promise<ProjectDescriptor> {
  const root = await findProject(top, study);
  const relative = (file: string): string => path.relative(top, path.resolve(root, file));
  const nedFolders = (await linesOf(path.join(root, ".nedfolders"))).filter((line) => !line.startsWith("-"));
  const makemake = (await readMakemake(root)).map((entry) => ({ ...entry, folder: relative(entry.folder) }));
  return {
    folder: relative("."),
    nedFolders: nedFolders.length > 0 ? nedFolders.map(relative) : [relative(".")],
    makemake,
    targets: makemake.flatMap(({ folder, options }) => target(top, folder, options)),
    featureState: await contentOf(path.join(root, ".oppfeaturestate")),
  };
}

async function findProject(top: string, study: string): Promise<string> {
  for (let folder = study; isInside(top, folder); folder = path.dirname(folder)) {
    const found = await Promise.all(PROJECT_FILES.map((name) => statIfThere(path.join(folder, name))));
    if (found.some((stats) => stats?.isFile())) return folder;
  }
  return top;
}

async function readMakemake(root: string): Promise<MakemakeFolder[]> {
  const buildspec = await contentOf(path.join(root, ".oppbuildspec"));
  if (buildspec !== undefined) return makemakeFolders(buildspec);
  const makefile = await contentOf(path.join(root, "Makefile"));
  const command = /^# {1,3}opp_makemake (.*)$/m.exec(makefile ?? "")?.[1];
  return command === undefined ? [] : [{ folder: ".", options: parseMakemakeOptions(command) }];
}

function target(top: string, folder: string, options: readonly string[]): Target[] {
  if (options.some((option) => ["-a", "--make-lib", "--nolink"].includes(option))) return [];
  const index = options.findIndex((option) => option === "-o");
  const attached = options.find((option) => /^-o./.test(option))?.slice(2);
  const name =
    attached ?? options[index === -1 ? options.length : index + 1] ?? path.basename(path.join(top, folder));
  const library = options.some((option) => option === "-s" || option === "--make-so");
  return [{ kind: library ? "library" : "executable", folder, name }];
}

/** The file that a target is linked to. */
export function targetFile(target: Target, mode: "release" | "debug"): string {
  const name = mode === "debug" ? `${target.name}_dbg` : target.name;
  const suffix = process.platform === "darwin" ? "dylib" : "so";
  return path.join(target.folder, target.kind === "library" ? `lib${name}.${suffix}` : name);
}

/** Non-empty lines of a file; none where there is no such file. */
export async function linesOf(file: string): Promise<string[]> {
  const content = (await contentOf(file)) ?? "";
  return content.split("\n").flatMap((line) => line.trim() || []);
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EISDIR") return undefined;
    throw error;
  }
}
