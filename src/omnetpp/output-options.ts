/**
 * The options that say where a run writes. All but the first are names of files, relative to the folder of the ini file
 * that has them, to the first ini file's for their defaults, and to the current directory on the command line.
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

/** The value of an option in a run's configuration (`-q runconfig`), which may name it with a pattern such as `**.`. */
export function configuredOption(
  configuration: ReadonlyMap<string, string>,
  option: string,
): string | undefined {
  for (const [key, value] of configuration)
    if (key === option || (key.startsWith("**") && key.endsWith(`.${option}`))) return value;
  return undefined;
}

/** The first entry, other than those of output files, that has the value of `${resultdir}` in it. */
export function parameterWith(
  resultDirectory: string,
  configuration: ReadonlyMap<string, string>,
): string | undefined {
  const isOutput = (key: string): boolean =>
    OUTPUT_OPTIONS.some((option) => key === option || key.endsWith(`.${option}`));
  return [...configuration].find(([key, text]) => !isOutput(key) && text.includes(resultDirectory))?.[0];
}
