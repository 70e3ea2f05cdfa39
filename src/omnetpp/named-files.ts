import { values, type SimulationArguments } from "./opp-options.ts";

/** The ini file that the simulator reads if none is named. */
export const DEFAULT_INI = "omnetpp.ini";

const TYPED_LISTS = /^--(?:ned-path|load-libs)=(.*)$/;

/** Returns the ini files that a command line names, in the order in which they are read. */
export function namedInis(args: SimulationArguments): string[] {
  return values(args, "-f");
}

/** Returns the ini files with which a simulation begins: those that are named, otherwise the default one. */
export function iniFiles(args: SimulationArguments): string[] {
  const named = namedInis(args);
  return named.length > 0 ? named : [DEFAULT_INI];
}

/** Returns whether a file is an ini file, judging by its name. */
export function isIniFile(name: string): boolean {
  return name.endsWith(".ini");
}

/** Returns the libraries that a command line names with `-l`: without prefix and suffix. */
export function namedLibraries(args: SimulationArguments): string[] {
  return values(args, "-l");
}

/** Returns the arguments without some of the libraries that they name. */
export function withoutLibraries(
  args: SimulationArguments,
  libraries: readonly string[],
): SimulationArguments {
  return args.filter((arg) => arg.kind !== "option" || arg.name !== "-l" || !libraries.includes(arg.value));
}

/**
 * Returns the folders of the NED path that a command line names with `-n`; undefined if it names none.
 * @see OMNeT++ Simulation Manual, "Running Simulations", "The NED Path": folders with `;` or `:` between them.
 */
export function namedNedFolders(args: SimulationArguments): string[] | undefined {
  const named = values(args, "-n");
  if (named.length === 0) return undefined;
  return named.flatMap((value) => value.split(/[;:]/).filter((each) => each !== ""));
}

/** Returns the NED folders, and the libraries with their folders, that a command line names in any form. */
export function namedPlaces(args: SimulationArguments): string[] {
  const long = args.flatMap((arg) => (arg.kind === "long" ? (TYPED_LISTS.exec(arg.text)?.[1] ?? []) : []));
  const folders = [...values(args, "-n"), ...long].flatMap((list) => list.split(/[;: ]+/));
  return [...folders, ...namedLibraries(args)];
}
