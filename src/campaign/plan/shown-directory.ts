import path from "node:path";
import { UserError } from "../../errors.ts";
import { configuredOption, parameterWith } from "../../omnetpp/output-options.ts";
import { unquoted } from "../../omnetpp/quoted-text.ts";

/**
 * An absolute result directory is mapped on a worker to a relative one. If the ini file is elsewhere, that has two
 * meanings (of file names and of parameters), and only the worker's own path would have one.
 * @param configuration of the first run.
 * @param iniFolder that of the first ini file, absolute.
 * @throws {UserError} if parameters use an absolute result directory, and the ini file is in another folder.
 */
export function refuseShownDirectory(
  configuration: ReadonlyMap<string, string>,
  iniFolder: string,
  study: string,
): void {
  const value = unquoted(configuredOption(configuration, "result-dir") ?? "");
  if (!path.isAbsolute(value) || iniFolder === study) return;
  const parameter = parameterWith(value, configuration);
  if (parameter === undefined) return;
  throw new UserError(
    `${parameter} has the absolute result directory ${value} in it, and ${iniFolder} has the ini file: a run on a swarm would have the worker's path there`,
    {
      hint: "start runall-swarm in the folder of the ini file, or leave ${resultdir} out of the parameter",
    },
  );
}
