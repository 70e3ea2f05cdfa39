import path from "node:path";
import type { Mode } from "../model/build.ts";

/** What the linker makes. */
export interface Target {
  kind: "library" | "executable";
  /** Relative to the git top level. */
  folder: string;
  /** Without `lib`, `_dbg` and suffix. */
  name: string;
}

/**
 * What `opp_makemake` with these options has made.
 * @param place absolute path of the folder, whose name is the default.
 * @see opp_makemake(1): -o, -s, -a, -n.
 */
export function makemakeTarget(place: string, folder: string, options: readonly string[]): Target[] {
  if (options.some((option) => ["-a", "--make-lib", "-n", "--nolink"].includes(option))) return [];
  const index = options.findIndex((option) => option === "-o" || option === "--name");
  const attached = options.find((option) => /^-o./.test(option))?.slice(2);
  const name = attached ?? options[index === -1 ? options.length : index + 1] ?? path.basename(place);
  const library = options.some((option) => option === "-s" || option === "--make-so");
  return [{ kind: library ? "library" : "executable", folder, name }];
}

/** The file that a target is linked to. */
export function targetFile(target: Target, mode: Mode): string {
  const name = mode === "debug" ? `${target.name}_dbg` : target.name;
  const suffix = process.platform === "darwin" ? "dylib" : "so";
  return path.join(target.folder, target.kind === "library" ? `lib${name}.${suffix}` : name);
}

/**
 * Returns the files that the simulator takes for a library named with `-l`.
 * @param library with its folder, without prefix and suffix.
 * @see OMNeT++ 6.2, src/sim/util.cc, opp_loadlibrary.
 */
export function libraryFiles(library: string, mode: Mode): string[] {
  const { dir, base } = path.parse(library);
  const suffix = process.platform === "darwin" ? "dylib" : "so";
  const names = mode === "debug" ? [`${base}_dbg`, base] : [base];
  return [...names.flatMap((name) => [`lib${name}.${suffix}`, `${name}.${suffix}`]), base].map((name) =>
    path.join(dir, name),
  );
}
