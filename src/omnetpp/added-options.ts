import { longOption, type SimulationArguments } from "./opp-options.ts";

interface AddedOption {
  key: string;
  /** The default of OMNeT++, and what a worker needs. */
  value: string;
}

/**
 * The options that a worker adds if the configuration says otherwise: a debugger would wait for somebody for ever. Each
 * one that is added leaves a `config` line in the `.sca` file that a local run does not have, so there are no others.
 * @see OMNeT++ Simulation Manual, "Configuration Options".
 */
export const ADDED_OPTIONS: readonly AddedOption[] = [
  { key: "debugger-attach-on-startup", value: "false" },
  { key: "debugger-attach-on-error", value: "false" },
];

/**
 * Those of ADDED_OPTIONS that a configuration makes necessary, as `--key=value`. They have to come last on
 * the command line: of several equal options OMNeT++ takes the last.
 * @param configuration from `-q runconfig`.
 * @param args may say otherwise than the configuration.
 */
export function addedOptions(
  configuration: ReadonlyMap<string, string>,
  args: SimulationArguments,
): string[] {
  const configured = new Map<string, string>();
  for (const [key, value] of configuration) {
    const name = key.slice(key.lastIndexOf(".") + 1);
    if (!configured.has(name)) configured.set(name, value); // the first that matches counts
  }
  for (const [key, value] of longOptions(args)) configured.set(key, value);
  return ADDED_OPTIONS.filter(({ key, value }) => {
    const present = configured
      .get(key)
      ?.trim()
      .replace(/^"(.*)"$/, "$1");
    return present !== undefined && present !== value;
  }).map(({ key, value }) => longOption(key, value));
}

function longOptions(args: SimulationArguments): [string, string][] {
  return args.flatMap((arg): [string, string][] => {
    if (arg.kind !== "long") return [];
    const equals = arg.text.indexOf("=");
    return [[arg.text.slice(2, equals), arg.text.slice(equals + 1)]];
  });
}
