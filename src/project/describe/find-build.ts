import path from "node:path";
import { contentOf } from "../../system/files.ts";
import { hasCode } from "./find-project.ts";
import {
  makemakeCommand,
  makemakeFolders,
  parseMakemakeOptions,
  type MakemakeFolder,
} from "../files/makemake.ts";
import { readMakefile } from "../files/makefiles.ts";

/** How the files of a project say that it is built. */
export interface FoundBuild {
  /** The Makefile in its folder: written by somebody, generated, or none that builds code. */
  makefile: "written" | "generated" | undefined;
  /** Where `opp_makemake` works; relative to the project's folder. */
  folders: MakemakeFolder[];
  /** CMake builds it, by OMNeT++'s own support for CMake or in another way. */
  cmake?: "omnetpp" | "other";
}

/** A Makefile that does none of this is for something else, such as plots. */
const BUILDS =
  /\$[({]MAKE[)}]|(?:^|[\s;&|])make\s|opp_makemake|\$[({](?:CXX|CC|LINK)\b|g\+\+|clang|cmake|\.cc\b|\.cpp\b/m;

/** The package FindOmnetPP, which projects such as Artery have, or functions of such packages. */
const USES_OMNETPP =
  /\bfind_package\s*\(\s*omnetpp\b|\b(?:add_opp_|opp_|generate_opp_|target_opp_|import_opp_)\w+\s*\(/i;

/**
 * Finds how a project is built: by what `.oppbuildspec` says, else by the generated Makefiles in its folder, in those to which
 * a Makefile there leads, and in `src`. Code without any of them becomes one program, as with `opp_makemake --deep`.
 */
export async function findBuild(root: string): Promise<FoundBuild> {
  const makefile = (await readMakefile(root))?.text;
  const isGenerated = makefile !== undefined && makemakeCommand(makefile) !== undefined;
  const buildspec = await contentOf(path.join(root, ".oppbuildspec"));
  if (buildspec !== undefined) {
    const folders = makemakeFolders(buildspec);
    const isOther = makefile !== undefined && folders.length > 0 && !BUILDS.test(makefile);
    return { makefile: isOther ? undefined : kindOf(makefile, isGenerated), folders };
  }
  const candidates = isGenerated ? ["."] : [".", ...foldersOf(makefile ?? ""), "src"];
  const folders = await generatedFolders(root, new Set(candidates));
  if (folders.length > 0 || makefile !== undefined || !(await hasCode(root)))
    return { makefile: kindOf(makefile, isGenerated), folders };
  const cmake = await contentOf(path.join(root, "CMakeLists.txt"));
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

/** Folders in which a Makefile calls make: `cd src && $(MAKE)`, `$(MAKE) -C src`. */
function foldersOf(makefile: string): string[] {
  return [...makefile.matchAll(/(?:\bcd|\s-C)\s+([\w.][\w./-]*)/g)].flatMap(([, folder]) => {
    const place = path.posix.normalize(folder!);
    return place.startsWith("..") ? [] : [place];
  });
}
