import path from "node:path";
import { readTextIfExists } from "../../system/files.ts";
import { hasCode } from "./find-project.ts";
import {
  makemakeCommand,
  makemakeFolders,
  parseMakemakeOptions,
  type MakemakeFolder,
} from "../../omnetpp/makemake.ts";
import { readMakefile } from "../files/makefiles.ts";

/** How a project is built, according to its files. */
export interface FoundBuild {
  /** The kind of Makefile in the project's folder; undefined if there is none that builds code. */
  makefile: "written" | "generated" | undefined;
  /** Folders in which `opp_makemake` runs; relative to the project's folder. */
  folders: MakemakeFolder[];
  /** How CMake builds the project: by OMNeT++'s own support for CMake, or otherwise. */
  cmake?: "omnetpp" | "other";
}

/** A Makefile that contains none of these is for something else, such as plots. */
const BUILDS =
  /\$[({]MAKE[)}]|(?:^|[\s;&|])make\s|opp_makemake|\$[({](?:CXX|CC|LINK)\b|g\+\+|clang|cmake|\.cc\b|\.cpp\b/m;

/** The package FindOmnetPP, which projects such as Artery contain, or functions of such packages. */
const USES_OMNETPP =
  /\bfind_package\s*\(\s*omnetpp\b|\b(?:add_opp_|opp_|generate_opp_|target_opp_|import_opp_)\w+\s*\(/i;

/**
 * Returns how a project is built: as `.oppbuildspec` says, otherwise by the generated Makefiles in its
 * folder, in the folders that a Makefile there refers to, and in `src`. Code without any of these becomes one
 * program, as with `opp_makemake --deep`.
 */
export async function findBuild(root: string): Promise<FoundBuild> {
  const makefile = (await readMakefile(root))?.text;
  const isGenerated = makefile !== undefined && makemakeCommand(makefile) !== undefined;
  const buildspec = await readTextIfExists(path.join(root, ".oppbuildspec"));
  if (buildspec !== undefined) {
    const folders = makemakeFolders(buildspec);
    const isOther = makefile !== undefined && folders.length > 0 && !BUILDS.test(makefile);
    return { makefile: isOther ? undefined : kindOf(makefile, isGenerated), folders };
  }
  const candidates = isGenerated ? ["."] : [".", ...foldersOf(makefile ?? ""), "src"];
  const folders = await generatedFolders(root, new Set(candidates));
  if (folders.length > 0 || makefile !== undefined || !(await hasCode(root)))
    return { makefile: kindOf(makefile, isGenerated), folders };
  const cmake = await readTextIfExists(path.join(root, "CMakeLists.txt"));
  if (cmake === undefined) return { makefile: undefined, folders: [{ folder: ".", options: ["--deep"] }] };
  return { makefile: undefined, folders, cmake: USES_OMNETPP.test(cmake) ? "omnetpp" : "other" };
}

/** Those of some folders that have a generated Makefile. */
async function generatedFolders(root: string, candidates: ReadonlySet<string>): Promise<MakemakeFolder[]> {
  const folders: MakemakeFolder[] = [];
  for (const folder of candidates) {
    const command = makemakeCommand((await readMakefile(path.join(root, folder)))?.text ?? "");
    if (command !== undefined) folders.push({ folder, options: parseMakemakeOptions(command) });
  }
  return folders;
}

function kindOf(makefile: string | undefined, isGenerated: boolean): FoundBuild["makefile"] {
  if (makefile === undefined) return undefined;
  return isGenerated ? "generated" : "written";
}

/** Returns the folders in which a Makefile calls make: `cd src && $(MAKE)`, `$(MAKE) -C src`. */
function foldersOf(makefile: string): string[] {
  return [...makefile.matchAll(/(?:\bcd|\s-C)\s+([\w.][\w./-]*)/g)].flatMap(([, folder]) => {
    const place = path.posix.normalize(folder!);
    return place.startsWith("..") ? [] : [place];
  });
}
