import type { SimulationArguments } from "./opp-options.ts";

interface AddedOption {
  key: string;
  /** The default of OMNeT++, and what a worker needs. */
  value: string;
  /** Other values that serve as well. */
  suits?: (value: string) => boolean;
}

/** A status block every 1 to 5 s is progress enough, and no flood. */
const suitsStatus = (value: string): boolean => {
  const [, amount, unit] = /^([\d.]+) *(ms|s)$/.exec(value) ?? [];
  const seconds = Number(amount) / (unit === "ms" ? 1000 : 1);
  return seconds >= 1 && seconds <= 5;
};

/**
 * The options that a worker adds where the configuration says otherwise: it reads the output, nobody answers
 * questions there, and a debugger would wait for ever. Each one that is added leaves a `config` line in the
 * `.sca` file, so none is added without need.
 * @see OMNeT++ Simulation Manual, "Configuration Options".
 */
export const ADDED_OPTIONS: readonly AddedOption[] = [
  { key: "cmdenv-redirect-output", value: "false" },
  { key: "cmdenv-express-mode", value: "true" },
  { key: "cmdenv-progress-updates", value: "true" },
  { key: "cmdenv-status-frequency", value: "2s", suits: suitsStatus },
  { key: "cmdenv-interactive", value: "false" },
  { key: "debug-on-errors", value: "false" },
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
  return ADDED_OPTIONS.filter(({ key, value, suits }) => {
    const present = configured
      .get(key)
      ?.trim()
      .replace(/^"(.*)"$/, "$1");
    return present !== undefined && present !== value && suits?.(present) !== true;
  }).map(({ key, value }) => `--${key}=${value}`);
}

function longOptions(args: SimulationArguments): [string, string][] {
  return args.flatMap((arg): [string, string][] => {
    if (arg.kind !== "long") return [];
    const equals = arg.text.indexOf("=");
    return [[arg.text.slice(2, equals), arg.text.slice(equals + 1)]];
  });
}
