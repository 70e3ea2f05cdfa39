import path from "node:path";
import { iniPaths } from "../../omnetpp/ini-paths.ts";
import { values, type SimulationArguments } from "../../omnetpp/opp-args.ts";

const TYPED = /^--(?:ned-path|load-libs)=(.*)$/;

/**
 * Returns the absolute paths that a command line and its ini files name. They show which project a study uses
 * that is outside all projects.
 */
export async function namedPaths(
  study: string,
  program: string | undefined,
  args: SimulationArguments,
): Promise<string[]> {
  const long = args.flatMap((arg) => (arg.kind === "long" ? (TYPED.exec(arg.text)?.[1] ?? []) : []));
  const lists = [...values(args, "-n"), ...long].flatMap((list) => list.split(/[;: ]+/));
  const named = [...lists, ...values(args, "-l"), ...(program === undefined ? [] : [program])];
  const typed = named.filter((each) => each !== "" && (each.includes("/") || each === ".."));
  return [...typed.map((each) => path.resolve(study, each)), ...(await iniPaths(study, values(args, "-f")))];
}
