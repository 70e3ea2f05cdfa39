import path from "node:path";
import { iniPaths } from "../../omnetpp/ini-paths.ts";
import { namedInis, namedPlaces } from "../../omnetpp/named-files.ts";
import type { SimulationArguments } from "../../omnetpp/opp-args.ts";

/**
 * Returns the paths, absolute, that a command line names, and those that its ini files name: they tell which project
 * a study uses that is outside of all projects.
 */
export async function namedPaths(
  study: string,
  program: string | undefined,
  args: SimulationArguments,
): Promise<string[]> {
  const named = [...namedPlaces(args), ...(program === undefined ? [] : [program])];
  const typed = named.filter((each) => each !== "" && (each.includes("/") || each === ".."));
  return [...typed.map((each) => path.resolve(study, each)), ...(await iniPaths(study, namedInis(args)))];
}
