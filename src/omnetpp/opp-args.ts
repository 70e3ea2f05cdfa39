import { isIniFile } from "./named-files.ts";
import {
  optionSpan,
  toArgv,
  values,
  without,
  type SimulationArgument,
  type SimulationArguments,
} from "./opp-options.ts";

export { ADDED_OPTIONS, addedOptions } from "./added-options.ts";
export {
  config,
  isTyped,
  longOption,
  parseSimulationArguments,
  runFilter,
  toArgv,
  values,
  without,
} from "./opp-options.ts";
export type { SimulationArguments } from "./opp-options.ts";

/** The options of `runall-swarm` itself, each with its dashes. */
export interface OwnOptions {
  flags: readonly string[];
  valued: readonly string[];
}

export interface SplitArguments {
  /** For commander. */
  own: string[];
  program: string | undefined;
  /** As typed, and in the same order. */
  simulation: string[];
}

/**
 * Takes apart `runall-swarm [options] [--] [simulation program] [simulation options]`: the first positional
 * that is no ini file is the program; after it, or after `--`, nothing is ours (as with `opp_runall`).
 */
export function splitArguments(argv: readonly string[], own: OwnOptions): SplitArguments {
  const split: SplitArguments = { own: [], program: undefined, simulation: [] };
  let ours = true;
  for (let at = 0; at < argv.length;) {
    const argument = argv[at]!;
    const ownSpan = ours ? spanOfOwn(argv, at, own) : 0;
    if (ownSpan > 0) {
      split.own.push(...argv.slice(at, at + ownSpan));
      at += ownSpan;
    } else if (ours && argument === "--") {
      ours = false;
      at += 1;
    } else if (ours && argument === "-h" && at === argv.length - 1) {
      split.own.push("--help");
      at += 1;
    } else if (argument.startsWith("-") || isIniFile(argument)) {
      const span = optionSpan(argv, at);
      split.simulation.push(...argv.slice(at, at + span));
      at += span;
    } else {
      split.program = argument;
      split.simulation.push(...argv.slice(at + 1));
      break;
    }
  }
  return split;
}

/** How many arguments an option of ours takes; 0 where it is none. */
function spanOfOwn(argv: readonly string[], at: number, { flags, valued }: OwnOptions): number {
  const argument = argv[at]!;
  if (flags.includes(argument)) return 1;
  if (valued.includes(argument)) return Math.min(2, argv.length - at); // without its value: commander says so
  const attached = valued.some((name) => argument.startsWith(name.startsWith("--") ? `${name}=` : name));
  return attached ? 1 : 0;
}

/** The command line of a question about the runs that the user chose, such as `-q runs`. */
export function queryArguments(args: SimulationArguments, query: readonly string[]): string[] {
  return [...toArgv(without(args, "-u", "-s", "-S")), "-s", ...query];
}

/** The questions that the simulator answers. @see OMNeT++ Simulation Manual, "Running Simulations": -q, -e, -a. */
export const QUESTIONS = {
  runs: ["-q", "runs"],
  configuration: ["-q", "runconfig"],
  configs: ["-a"],
  value: (option: string) => ["-e", option],
} as const;

/** The command line of a question about one run of the config, whichever runs the user chose. */
export function oneRunQueryArguments(
  args: SimulationArguments,
  runNumber: number,
  query: readonly string[],
): string[] {
  return queryArguments([...without(args, "-r"), runOption([runNumber])], query);
}

/** The command line of a question about the ini file, such as `-a`. */
export function iniQueryArguments(args: SimulationArguments, query: readonly string[]): string[] {
  return queryArguments(without(args, "-c", "-r"), query);
}

/** What a worker knows besides the user's own arguments. */
export interface RunOptions {
  config: string;
  /** Several run one after the other in one process. */
  runNumbers: readonly number[];
  /** Used where the user named none. */
  libraries: readonly string[];
  /** Used where the user named none. */
  nedPath: string | undefined;
  /** Used where the user named none. */
  nedExclusions: string | undefined;
  /** Long options, added last: of several equal ones OMNeT++ takes the last. */
  extra: readonly string[];
}

/**
 * The command line of a worker. Errors go to standard output, where they keep their place among the other
 * lines (`-m`); never silent, because 7.0 under `-s` does not say how a run ended.
 */
export function runArguments(args: SimulationArguments, options: RunOptions): string[] {
  const theirs = without(args, "-c", "-r", "-u", "-s", "-S", "-m", "-q", "-e");
  const unlessNamed = (name: string, defaults: readonly (string | undefined)[]): SimulationArgument[] =>
    values(args, name).length > 0
      ? []
      : defaults.flatMap((value) => (value === undefined ? [] : [{ kind: "option", name, value }]));
  const ours: SimulationArgument[] = [
    { kind: "flag", text: "-m" },
    { kind: "option", name: "-u", value: "Cmdenv" },
    { kind: "option", name: "-c", value: options.config },
    runOption(options.runNumbers),
    ...unlessNamed("-l", options.libraries),
    ...unlessNamed("-n", [options.nedPath]),
    ...unlessNamed("-x", [options.nedExclusions]),
  ];
  return [...toArgv([...ours, ...theirs]), ...options.extra];
}

function runOption(runNumbers: readonly number[]): SimulationArgument {
  return { kind: "option", name: "-r", value: runNumbers.join(",") };
}

/**
 * The arguments with their paths changed: ini files, libraries that are named with a folder (others are
 * looked for in LD_LIBRARY_PATH), and each folder of `-n`, whose separators stay.
 * @returns command-line arguments, to be parsed again where they arrive.
 */
export function mapPaths(args: SimulationArguments, map: (path: string) => string): string[] {
  return toArgv(args.map((arg) => mapPath(arg, map)));
}

function mapPath(arg: SimulationArgument, map: (path: string) => string): SimulationArgument {
  if (arg.kind === "ini") return { ...arg, path: map(arg.path) };
  if (arg.kind !== "option") return arg;
  if (arg.name === "-f" || (arg.name === "-l" && arg.value.includes("/")))
    return { ...arg, value: map(arg.value) };
  if (arg.name === "-n") return { ...arg, value: arg.value.replace(/[^;:]+/g, map) };
  return arg;
}
