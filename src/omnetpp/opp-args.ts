import { UserError } from "../errors.ts";
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
  /** Other names of options, with the names above. */
  aliases?: Readonly<Record<string, string>>;
}

export interface SplitArguments {
  /** The options of `runall-swarm`, for commander. */
  own: string[];
  program: string | undefined;
  /** The arguments of the simulation, in the order in which they were typed. */
  simulation: string[];
}

/**
 * Splits `runall-swarm [options] [--] [simulation program] [simulation options]`. The first positional
 * argument that is not an ini file is the program. Everything after the program or after `--` belongs to the
 * simulation, as with `opp_runall`.
 * @throws {UserError} for `--export`, which only `opp_runall` has.
 */
export function splitArguments(typed: readonly string[], own: OwnOptions): SplitArguments {
  const argv = [...typed];
  const split: SplitArguments = { own: [], program: undefined, simulation: [] };
  let ours = true;
  for (let index = 0; index < argv.length;) {
    if (ours) {
      refuseExport(argv[index]!);
      argv[index] = withoutAlias(argv[index]!, own);
    }
    const argument = argv[index]!;
    const ownSpan = ours ? spanOfOwn(argv, index, own) : 0;
    if (ownSpan > 0) {
      split.own.push(...argv.slice(index, index + ownSpan));
      index += ownSpan;
    } else if (ours && argument === "--") {
      ours = false;
      index += 1;
    } else if (ours && argument === "-h" && index === argv.length - 1) {
      split.own.push("--help");
      index += 1;
    } else if (argument.startsWith("-") || isIniFile(argument)) {
      const span = optionSpan(argv, index);
      split.simulation.push(...argv.slice(index, index + span));
      index += span;
    } else {
      split.program = argument;
      split.simulation.push(...argv.slice(index + 1));
      break;
    }
  }
  return split;
}

/** Refuses the option with which `opp_runall` writes a makefile instead of executing the runs. */
function refuseExport(argument: string): void {
  if (!/^(-e|--export$|--export=)/.test(argument)) return;
  throw new UserError(`${argument}: runs are executed by the swarm, so no makefile can be exported`, {
    hint: "to list the runs, add --dry-run; to query the simulator, call it directly: opp_run -e …",
  });
}

/** Returns an argument with the main name of its option: `--batch-size=5` for `--batchsize=5`. */
function withoutAlias(argument: string, { aliases = {} }: OwnOptions): string {
  const [name = "", ...value] = argument.split("=");
  const main = Object.hasOwn(aliases, name) ? aliases[name]! : name;
  return [main, ...value].join("=");
}

/** Returns how many arguments an option of `runall-swarm` takes; 0 if the argument is not one. */
function spanOfOwn(argv: readonly string[], index: number, { flags, valued }: OwnOptions): number {
  const argument = argv[index]!;
  if (flags.includes(argument)) return 1;
  if (valued.includes(argument)) return Math.min(2, argv.length - index); // commander reports a missing value
  const attached = valued.some((name) => argument.startsWith(name.startsWith("--") ? `${name}=` : name));
  return attached ? 1 : 0;
}

/** Returns the command line of a query about the runs that the user chose, such as `-q runs`. */
export function queryArguments(args: SimulationArguments, query: readonly string[]): string[] {
  return [...toArgv(without(args, "-u", "-s", "-S")), "-s", ...query];
}

/** The queries that the simulator answers. @see OMNeT++ Simulation Manual, "Running Simulations": -q, -e, -a. */
export const QUESTIONS = {
  runs: ["-q", "runs"],
  configuration: ["-q", "runconfig"],
  configs: ["-a"],
  options: ["-h", "config"],
  value: (option: string) => ["-e", option],
} as const;

/** Returns the command line of a query about one run of the config, whichever runs the user chose. */
export function oneRunQueryArguments(
  args: SimulationArguments,
  runNumber: number,
  query: readonly string[],
): string[] {
  return queryArguments([...without(args, "-r"), runOption([runNumber])], query);
}

/** Returns the command line of a query about the ini file, such as `-a`. */
export function iniQueryArguments(args: SimulationArguments, query: readonly string[]): string[] {
  return queryArguments(without(args, "-c", "-r"), query);
}

/** What a worker adds to the user's own arguments. */
export interface RunOptions {
  config: string;
  /** Several runs are executed one after the other in one process. */
  runNumbers: readonly number[];
  /** Used if the user named none. */
  libraries: readonly string[];
  /** Used if the user named none. */
  nedPath: string | undefined;
  /** Used if the user named none. */
  nedExclusions: string | undefined;
  /** Long options, added last: OMNeT++ uses the last of several equal options. */
  extra: readonly string[];
}

/**
 * Returns the command line of a simulation on a worker. Errors go to standard output (`-m`), so that they
 * keep their place among the other lines. Never with `-s`: 7.0 then does not print how a run ended.
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
 * Returns the arguments with their paths changed: ini files, libraries that are named with a folder (others
 * are searched for in LD_LIBRARY_PATH), and each folder of `-n`, whose separators are kept.
 * @returns command-line arguments, to be parsed again by the receiver.
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
