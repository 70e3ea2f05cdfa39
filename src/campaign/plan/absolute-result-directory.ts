import path from "node:path";
import { UserError } from "../../errors.ts";
import { configuredOption, parameterWith } from "../../omnetpp/output-options.ts";
import { unquoted } from "../../omnetpp/quoted-text.ts";

/**
 * Refuses parameters that use an absolute result directory if the ini file is in another folder. A worker
 * maps the directory to a relative path. This is ambiguous there, because file names and parameters are
 * relative to different folders, and an absolute path would be the worker's own.
 * @param configuration of the first run.
 * @param iniFolder folder of the first ini file, absolute.
 * @throws {UserError} for such a parameter.
 */
export function refuseAbsoluteResultDirectory(
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
