import path from "node:path";
import { UserError } from "../../errors.ts";
import { checkOut } from "../../project/git/checkout.ts";
import { makeTemporaryFolder } from "../../system/temporary-folder.ts";
import { modeAdvice, otherModeOf } from "../../omnetpp/other-mode.ts";
import { libraryFiles } from "../../omnetpp/targets.ts";
import { namedLibraries, withoutLibraries } from "../../omnetpp/named-files.ts";
import type { SimulationArguments } from "../../omnetpp/opp-args.ts";
import { unloadableLibrary } from "../../omnetpp/query-output.ts";
import { expand, type Expansion } from "../../omnetpp/expand.ts";
import type { Mode } from "../../model/build.ts";
import { lstatIfExists } from "../../system/files.ts";
import { runProgram } from "../../system/program.ts";
import type { StudyContext } from "./study-context.ts";

/**
 * Returns the runs, as the ini files define them that will be used: those in the working tree, or those of a
 * commit, which are written to a temporary folder for this purpose.
 */
export async function expandCode(
  { checkout, study, program, args, named }: StudyContext,
  commit: string | undefined,
  signal?: AbortSignal,
): Promise<Expansion> {
  const query = {
    program: program.local,
    args: await withoutMissingLibraries(args, study, program.mode),
    directory: study,
  };
  const env = { ...process.env, ...named };
  const deps: Parameters<typeof expand>[1] = {
    runProgram: (file, options, more) => runProgram(file, options, { ...more, env }),
  };
  if (commit === undefined)
    return await expand(query, deps, signal).catch(async (error: unknown) => {
      throw await withModeHint(error, study);
    });
  await using scratch = await makeTemporaryFolder("expand");
  const tree = path.join(scratch.path, "tree");
  await checkOut({ gitDirectory: checkout.gitDirectory, commit }, tree, signal);
  const directory = path.join(tree, path.relative(checkout.top, study));
  return await expand({ ...query, directory }, deps, signal);
}

/** Returns the arguments without libraries that are yet to be built: the runs can be listed without them. */
async function withoutMissingLibraries(
  args: SimulationArguments,
  study: string,
  mode: Mode,
): Promise<SimulationArguments> {
  const placed = namedLibraries(args).filter((library) => library.includes("/"));
  const missing = placed.map(async (library) => {
    const files = libraryFiles(path.resolve(study, library), mode);
    const found = await Promise.all(files.map((file) => lstatIfExists(file)));
    return found.some((each) => each?.isFile()) ? [] : [library];
  });
  return withoutLibraries(args, (await Promise.all(missing)).flat());
}

/**
 * Adds a hint if a library exists in the other mode; the
 * simulator only reports that it cannot load the library.
 */
async function withModeHint(error: unknown, study: string): Promise<unknown> {
  if (!(error instanceof UserError)) return error;
  const library = unloadableLibrary(error.message);
  if (library === undefined) return error;
  const searched = library.includes("/") ? "" : (process.env["LD_LIBRARY_PATH"] ?? "");
  for (const folder of [...searched.split(":").filter((each) => each !== ""), study]) {
    const file = path.resolve(folder, library);
    const other = await otherModeOf(file);
    if (other !== undefined)
      return new UserError(error.message, { hint: `${other}; ${modeAdvice(file)}`, cause: error });
  }
  return error;
}
