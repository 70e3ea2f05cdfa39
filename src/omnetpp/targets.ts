import { existsSync } from "node:fs";
import path from "node:path";
import type { Mode, TargetFile } from "../model/build.ts";
import { makemakeCommand } from "./makemake.ts";

/** A program or library that the linker creates. */
export interface Target {
  kind: "library" | "executable";
  /** Relative to the git top level. */
  folder: string;
  /** Without `lib`, `_dbg` and suffix. */
  name: string;
}

const SUFFIX = process.platform === "darwin" ? "dylib" : "so";

/**
 * Returns the target that `opp_makemake` creates with these options; none if it does not link, or for a
 * static library.
 * @param place absolute path of the folder.
 * @see opp_makemake(1): -o, -s, -a, -n.
 */
export function makemakeTarget(place: string, folder: string, options: readonly string[]): Target[] {
  if (options.some((option) => ["-a", "--make-lib", "-n", "--nolink"].includes(option))) return [];
  const name = nameOption(options) ?? defaultName(place);
  const library = options.some((option) => option === "-s" || option === "--make-so");
  return [{ kind: library ? "library" : "executable", folder, name }];
}

/** Returns the name of the target in options: `-o x`, `-ox`, `--output x`, `--output=x`. */
export function nameOption(options: readonly string[]): string | undefined {
  const separate = ["-o", "--output", "--name"]; // --name: in build specifications of older IDEs
  for (const [index, option] of options.entries()) {
    if (separate.includes(option)) return options[index + 1];
    const [, attached] = /^(?:-o|--output=|--name=)(.+)$/s.exec(option) ?? [];
    if (attached !== undefined) return attached;
  }
  return undefined;
}

/**
 * Returns the default name of a target: the name of the nearest parent folder with a `.project`, otherwise
 * that of the folder itself.
 */
function defaultName(place: string): string {
  for (let folder = place; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, ".project"))) return path.basename(folder);
    if (folder === path.dirname(folder)) return path.basename(place);
  }
}

/**
 * Returns the target of a Makefile that `opp_makemake` generated. Its name comes from the variables, because
 * the folder may have been renamed since. Undefined for any other Makefile, and for one that links nothing or
 * only a static library.
 * @param folder of the Makefile, relative to the git top level.
 * @see the template in opp_makemake: TARGET_DIR, TARGET_NAME, TARGET.
 */
export function makefileTarget(makefile: string, folder: string): Target | undefined {
  if (makemakeCommand(makefile) === undefined) return undefined;
  const variable = (name: string): string | undefined =>
    new RegExp(`^${name} *[:+?]?=(.*)$`, "m").exec(makefile)?.[1]?.trim();
  const target = variable("TARGET");
  if (target === undefined || /A_LIB_SUFFIX|\.a$/.test(target)) return undefined;
  const named = variable("TARGET_NAME") ?? target;
  const name = named.replaceAll(/\$\([^()]*\)/g, "").replace(/\.(?:so|dylib|dll|exe)$/, "");
  const isLibrary = /LIB_SUFFIX|\.(?:so|dylib|dll)$/.test(target);
  const directory = (variable("TARGET_DIR") ?? ".").replaceAll(/\$\([^()]*\)/g, ".");
  const place = path.posix.join(folder, directory);
  return {
    kind: isLibrary ? "library" : "executable",
    folder: place === "." ? "" : place,
    name: isLibrary ? name.replace(/^lib/, "") : name,
  };
}

/** Returns the path of a target's file, relative to the git top level. */
export function targetFile(target: Target, mode: Mode): string {
  const name = mode === "debug" ? `${target.name}_dbg` : target.name;
  return path.join(target.folder, target.kind === "library" ? `lib${name}.${SUFFIX}` : name);
}

/** Returns a target's file with its kind. */
export function fileOf(target: Target, mode: Mode): TargetFile {
  return { kind: target.kind, file: targetFile(target, mode) };
}

/** Returns the libraries among targets as `-l` takes them: without prefix, mode and suffix. */
export function libraryNames(targets: readonly TargetFile[]): string[] {
  return targets.flatMap(({ kind, file }) => {
    if (kind !== "library") return [];
    const { dir, base } = path.parse(file);
    const name = base.replace(/^lib/, "").replace(/\.(?:so|dylib)(?:\.\d+)*$/, "");
    return [path.join(dir, name.replace(/_dbg$/, ""))];
  });
}

/**
 * Returns the files that the simulator tries to load for a library named with `-l`, in order.
 * @param library with its folder, without prefix and suffix.
 * @see OMNeT++ 6.2, src/sim/util.cc, opp_loadlibrary.
 */
export function libraryFiles(library: string, mode: Mode): string[] {
  const { dir, base } = path.parse(library);
  const names = mode === "debug" ? [`${base}_dbg`, base] : [base];
  return [...names.flatMap((name) => [`lib${name}.${SUFFIX}`, `${name}.${SUFFIX}`]), base].map((name) =>
    path.join(dir, name),
  );
}

/** Returns the files to which a library of this name may have been linked, in either mode and on any platform. */
export function linkedFiles(library: string): string[] {
  const { dir, base } = path.parse(library);
  return ["", "_dbg"].flatMap((mode) =>
    ["so", "dylib"].map((suffix) => path.join(dir, `lib${base}${mode}.${suffix}`)),
  );
}
