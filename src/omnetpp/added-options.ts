import { longOption, type SimulationArguments } from "./opp-options.ts";

interface AddedOption {
  key: string;
  /** OMNeT++'s default, which is what a worker needs. */
  value: string;
}

/**
 * Options that a worker adds if the configuration sets another value: a debugger would wait for a user
 * indefinitely. Each added option leaves a `config` line in the `.sca` file that a local run does not have,
 * so there are no others.
 * @see OMNeT++ Simulation Manual, "Configuration Options".
 */
export const ADDED_OPTIONS: readonly AddedOption[] = [
  { key: "debugger-attach-on-startup", value: "false" },
  { key: "debugger-attach-on-error", value: "false" },
];

/**
 * Returns the options of ADDED_OPTIONS that a configuration makes necessary, as `--key=value`. They must be
 * last on the command line, because OMNeT++ uses the last of several equal options.
 * @param configuration from `-q runconfig`.
 * @param args override the configuration.
 */
export function addedOptions(
  configuration: ReadonlyMap<string, string>,
  args: SimulationArguments,
): string[] {
  const configured = new Map<string, string>();
  for (const [key, value] of configuration) {
    const name = key.slice(key.lastIndexOf(".") + 1);
    if (!configured.has(name)) configured.set(name, value); // the first match applies
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
