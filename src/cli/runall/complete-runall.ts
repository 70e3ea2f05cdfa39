import path from "node:path";
import { SIMULATORS } from "../../omnetpp/simulator.ts";
import { configNames } from "../../omnetpp/expand.ts";
import { parseSimulationArguments, splitArguments } from "../../omnetpp/opp-args.ts";
import { findProgram, runProgram } from "../../system/program.ts";
import type { Command as Program } from "commander";
import { describeSubcommands } from "./campaign-commands.ts";
import {
  answerCompletion,
  commandsOf,
  FILES,
  optionsOf,
  positionalsOf,
  shellNames,
  swarmNames,
  takesValue,
  type Candidate,
} from "../terminal/completion.ts";
import type { CommandContext } from "../terminal/command.ts";
import { describeOptions, EXPLAIN, OWN_OPTIONS } from "./runall-options.ts";

const EXPLANATION: Candidate = {
  word: EXPLAIN,
  description: "print what would be built, sent and executed, and why",
};

/** Options of the simulation whose value is a file or folder, and ours whose value is a folder. */
const FILE_OPTIONS = ["-f", "-n", "-l", "-C", "--directory"];
/** Further options of the simulation with a value. */
const VALUED = ["-u", "-r", "-x", "-i", "-q", "-e"];

/** Prints completion candidates for `runall-swarm` and returns the exit code. */
export function completeRunall(context: CommandContext): Promise<number> {
  const subWords = describeSubcommands(context, () => undefined);
  return answerCompletion(context, async (before, typed, signal): Promise<readonly Candidate[]> => {
    const [first, ...more] = before;
    const command = subWords.commands.find((each) => each.name() === first);
    if (command !== undefined) return await afterSubcommand(command, more, typed);
    const previous = before.at(-1) ?? "";
    if (previous === "--swarm") return await swarmNames();
    if (previous === "-c") return await configs(before.slice(0, -1), signal);
    if (previous === "--commit") return await refs(before.slice(0, -1), signal);
    if (FILE_OPTIONS.includes(previous)) return FILES;
    if (VALUED.includes(previous) || OWN_OPTIONS.valued.includes(previous)) return [];
    if (typed.startsWith("-")) return optionsOf(await describeOptions(context));
    const words = first === undefined ? [...commandsOf(subWords), EXPLANATION] : [];
    const isWord = words.some(({ word }) => word.startsWith(typed));
    return isWord ? words : FILES; // the simulation program, an ini file
  });
}

/** Returns the candidates after a subcommand and further words. */
async function afterSubcommand(
  command: Program,
  more: readonly string[],
  typed: string,
): Promise<readonly Candidate[]> {
  const previous = more.at(-1);
  if (previous === "--swarm") return await swarmNames();
  const [id, ...others] = positionalsOf(command, more);
  const at = more.lastIndexOf("--swarm");
  const swarm = at < 0 ? undefined : more[at + 1];
  if (previous === "--scalar" || previous === "--by") {
    const { completeScalars, completeVariables } = await import("./complete-campaigns.ts");
    if (previous === "--by") return await completeVariables(swarm, id ?? "last", typed);
    return await completeScalars(swarm, id ?? "last");
  }
  if (takesValue(command, previous)) return [];
  if (typed.startsWith("-")) return optionsOf(command);
  switch (command.name()) {
    case "list":
      return [];
    case "completion":
      return id === undefined ? shellNames() : [];
    default: {
      const { completeCampaigns, completeRuns } = await import("./complete-campaigns.ts");
      if (id === undefined) return await completeCampaigns(swarm);
      return command.name() === "logs" && others.length === 0 ? await completeRuns(swarm, id) : [];
    }
  }
}

/** Returns the configs of the ini files on the command line. */
async function configs(before: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
  const { own, simulation } = splitArguments(before, OWN_OPTIONS);
  const directory = directoryIn(own);
  const program = await findProgram(SIMULATORS);
  if (program === undefined) return [];
  const query = { program, args: parseSimulationArguments(simulation), directory };
  const names = await configNames(query, { runProgram }, signal);
  return names.map((word) => ({ word, description: "config" }));
}

/** Returns the branches and tags of the checkout. */
async function refs(before: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
  const { branchesAndTags } = await import("../../project/git/commands/revisions.ts");
  const names = await branchesAndTags({ cwd: directoryIn(splitArguments(before, OWN_OPTIONS).own), signal });
  return names.map((word) => ({ word, description: "branch or tag" }));
}

/** Returns the folder of the study that the options name. */
function directoryIn(own: readonly string[]): string {
  const at = Math.max(own.lastIndexOf("-C"), own.lastIndexOf("--directory"));
  return path.resolve(at < 0 ? "." : (own[at + 1] ?? "."));
}
