/**
 * The options that determine where a run writes. All but the first are file names. They are relative to the
 * folder of the ini file that sets them; defaults are relative to the folder of the first ini file, and
 * values on the command line to the current directory.
 * @see OMNeT++ Simulation Manual, "Configuration Options"; 6.2, src/sim/cconfiguration.cc, parseFilename.
 */
export const OUTPUT_OPTIONS = [
  "result-dir",
  "output-scalar-file",
  "output-vector-file",
  "eventlog-file",
  "snapshot-file",
  "cmdenv-output-file",
] as const;
export type OutputOption = (typeof OUTPUT_OPTIONS)[number];

/**
 * Returns the value of an option in a run's configuration (`-q runconfig`), whose key may begin with a
 * pattern such as `**.`.
 */
export function configuredOption(
  configuration: ReadonlyMap<string, string>,
  option: string,
): string | undefined {
  for (const [key, value] of configuration)
    if (key === option || (key.startsWith("**") && key.endsWith(`.${option}`))) return value;
  return undefined;
}

/**
 * Returns the first key, other than those of output files, whose value contains the value of `${resultdir}`.
 */
export function parameterWith(
  resultDirectory: string,
  configuration: ReadonlyMap<string, string>,
): string | undefined {
  const isOutput = (key: string): boolean =>
    OUTPUT_OPTIONS.some((option) => key === option || key.endsWith(`.${option}`));
  return [...configuration].find(([key, text]) => !isOutput(key) && text.includes(resultDirectory))?.[0];
}
