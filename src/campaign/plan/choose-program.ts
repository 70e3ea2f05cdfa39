import path from "node:path";
import { UserError } from "../../errors.ts";
import type { TargetFile } from "../../model/build.ts";
import type { Campaign, Program } from "../../model/campaign.ts";
import { isWithin } from "../../project/build/sources.ts";
import { libraryNames } from "../../omnetpp/targets.ts";

/** What is known about the program before anything is built. */
export interface ExecutionRequest {
  /** The program that the user typed. */
  program?: Program;
  /** The targets that `swarm.json` or an `.opp` file names. */
  targets?: readonly TargetFile[];
}

/** How workers execute runs. */
export type Execution = Pick<Campaign, "program" | "libraries">;

/**
 * Returns how runs are executed: by the given program, otherwise by what the
 * build produced: `opp_run` with the libraries, or the program. Of several
 * programs, the nearest one in a folder that contains the study is chosen.
 * @param targets of the project's build.
 * @param study relative to the git top level.
 * @throws {UserError} if there are several programs, and nothing specifies which one to use.
 */
export function chooseProgram(
  { program, targets: declared }: ExecutionRequest,
  targets: readonly TargetFile[],
  study: string,
): Execution {
  const candidates = declared ?? targets;
  const libraries = libraryNames(candidates).map((library) => path.relative(study, library));
  if (program !== undefined) return { program, libraries: program.kind === "project" ? [] : libraries };
  const programs = candidates.filter(({ kind }) => kind === "executable").map(({ file }) => file);
  const chosen =
    libraries.length > 0 ? nearestProgram(candidates, programs, study) : onlyProgram(programs, study);
  if (chosen !== undefined) return { program: { kind: "project", path: chosen }, libraries: [] };
  return { program: { kind: "opp_run" }, libraries };
}

/**
 * Returns a program in a folder that contains the study, if no such folder has a library: the program is
 * linked with the libraries that it needs.
 */
function nearestProgram(
  targets: readonly TargetFile[],
  programs: readonly string[],
  study: string,
): string | undefined {
  const libraries = targets.filter(({ kind }) => kind === "library");
  if (libraries.some(({ file }) => isAbove(file, study))) return undefined;
  const above = nearest(programs, study);
  return above.length === 1 ? above[0] : undefined;
}

function onlyProgram(programs: readonly string[], study: string): string | undefined {
  const above = nearest(programs, study);
  const [only, ...others] = above.length > 0 ? above : programs;
  if (others.length === 0) return only;
  throw new UserError(
    `the build produced ${programs.length} programs, ${programs.join(", ")}, and nothing specifies which of them the runs use`,
    {
      hint: 'give the program before the options (runall-swarm path/to/program -c …), or set "executable" in swarm.json',
    },
  );
}

/** Returns the programs in the nearest folder that contains the study. */
function nearest(programs: readonly string[], study: string): string[] {
  const above = programs.filter((file) => isAbove(file, study));
  const depth = Math.max(...above.map((file) => path.dirname(file).length));
  return above.filter((file) => path.dirname(file).length === depth);
}

function isAbove(file: string, study: string): boolean {
  const folder = path.dirname(file);
  return folder === "." || folder === study || isWithin(folder, study);
}
