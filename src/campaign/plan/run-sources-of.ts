import path from "node:path";
import type { Code } from "../../project/git/code.ts";
import { findRunSources, type RunSources } from "../../project/build/run-sources.ts";
import type { Expansion } from "../../omnetpp/expand.ts";
import { namedInis, namedLibraries, namedNedFolders } from "../../omnetpp/named-files.ts";
import { toArgv } from "../../omnetpp/opp-args.ts";
import type { StudyContext } from "./study-context.ts";

/**
 * Returns which files of the sources runs can read, according to the folders that they use and the paths in
 * their arguments, configuration and environment.
 */
export async function runSourcesOf(
  { checkout: { top }, study, project, dependencies, args, named }: StudyContext,
  codes: readonly Code[],
  { configuration }: Expansion,
): Promise<RunSources> {
  const projects = [{ checkout: { top }, project }, ...dependencies];
  const folders = projects.flatMap((each) =>
    [each.project.folder, ...each.project.nedFolders].map((folder) => path.join(each.checkout.top, folder)),
  );
  const paths = [...namedInis(args), ...(namedNedFolders(args) ?? []), ...namedLibraries(args)];
  const variables = [named, ...projects.map((each) => each.project.environment)].flatMap(
    Object.values<string>,
  );
  return await findRunSources({
    codes,
    folders: [study, ...folders, ...paths.map((each) => path.resolve(study, each))],
    texts: [...toArgv(args), ...configuration.values(), ...variables],
  });
}
