import { nearest } from "../model/near.ts";
import {
  config,
  queryArguments,
  QUESTIONS,
  runFilter,
  without,
  type SimulationArguments,
} from "./opp-args.ts";
import { filterAdvice } from "./filter-advice.ts";
import { parseOptionNames, parseRuns } from "./query-output.ts";

/** Asks the simulator something, and returns what it prints. */
type Ask = (args: readonly string[]) => Promise<{ stdout: string }>;

/** How the simulator names an option that it does not know: on its command line, or in an ini file. */
const UNKNOWN_OPTION = /Unknown (?:command-line )?configuration option:? (?:--)?([\w.*-]+)/;

/** Returns what to do about an error that the simulator has printed; undefined if nothing is known about it. */
export async function adviceOn(
  error: string,
  args: SimulationArguments,
  ask: Ask,
): Promise<string | undefined> {
  const option = UNKNOWN_OPTION.exec(error)?.[1];
  if (option !== undefined) return await optionAdvice(option, ask);
  const filter = runFilter(args);
  if (filter === undefined) return undefined;
  if (error.includes("in run list"))
    return `to list the runs, run: runall-swarm --dry-run -c ${config(args)}`;
  if (!error.includes("run filter")) return undefined;
  const { stdout } = await ask(queryArguments(without(args, "-r"), QUESTIONS.runs));
  const [first] = parseRuns(stdout, config(args));
  const variables = Object.keys(first?.iterationVariables ?? {});
  return filterAdvice(error, filter, [...variables, "repetition"]);
}

async function optionAdvice(typed: string, ask: Ask): Promise<string> {
  const { stdout } = await ask(QUESTIONS.options);
  const [near] = nearest(typed, parseOptionNames(stdout));
  const list = "to list all options, run: opp_run -h config";
  return near === undefined ? list : `did you mean ${near}? ${list}`;
}
