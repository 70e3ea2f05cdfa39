import path from "node:path";
import { iniPaths } from "../../omnetpp/ini-paths.ts";
import { namedInis, namedPlaces } from "../../omnetpp/named-files.ts";
import type { SimulationArguments } from "../../omnetpp/opp-args.ts";

/**
 * Returns the absolute paths that a command line and its ini files name. They show which project a study uses
 * that is outside all projects.
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
