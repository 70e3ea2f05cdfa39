import type { Command as Program } from "commander";
import { awsProfiles, awsRegions } from "../../providers/aws/configured.ts";
import { dockerContexts } from "../../providers/docker/contexts.ts";
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

/** Options whose value is a file. */
const FILE_OPTIONS = ["--template", "--omnetpp-archive"];
const TYPE_OPTIONS = ["--instance-type", "--manager-type"];

/** Commands with the name of a swarm, by its position among the arguments. */
const NAME_AT: Readonly<Record<string, number>> = {
  ...{ init: 0, status: 0, halt: 0, resume: 0, remove: 0, dashboard: 0 },
  ...{ scale: 1, connect: 0, disconnect: 0, deploy: 0 },
};

/**
 * Prints completion candidates for `swarm-tool` and returns the exit code.
 * @param program command-line definition of swarm-tool.
 */
export function completeSwarmTool(context: CommandContext, program: Program): Promise<number> {
  return answerCompletion(context, async ([name, ...more], typed): Promise<readonly Candidate[]> => {
    if (name === undefined) return [...commandsOf(program), ...(typed === "" ? [] : optionsOf(program))];
    if (name === "help") return more.length === 0 ? commandsOf(program) : [];
    const command = program.commands.find((each) => each.name() === name || each.aliases().includes(name));
    if (command === undefined) return [];
    const previous = more.at(-1);
    if (takesValue(command, previous)) return await valuesOf(previous!);
    if (typed.startsWith("-")) return optionsOf(command);
    const position = positionalsOf(command, more).length;
    if (command.name() === "completion") return position === 0 ? shellNames() : [];
    return NAME_AT[command.name()] === position ? await swarmNames() : [];
  });
}

/** Returns the values of an option; none for a number or a name that only the user knows. */
async function valuesOf(option: string): Promise<readonly Candidate[]> {
  if (FILE_OPTIONS.includes(option)) return FILES;
  const described = (words: readonly string[], description: string): Candidate[] =>
    words.map((word) => ({ word, description }));
  if (TYPE_OPTIONS.includes(option))
    return described((await import("../../providers/aws/prices.ts")).KNOWN_TYPES, "instance type");
  switch (option) {
    case "--region":
      return described(await regions(), "AWS region");
    case "--profile":
      return described(await awsProfiles(), "AWS profile");
    case "--context":
      return described(await dockerContexts(), "Docker context");
    default:
      return [];
  }
}

/** Returns the regions that are configured, and those whose prices are known. */
async function regions(): Promise<string[]> {
  const { KNOWN_REGIONS } = await import("../../providers/aws/prices.ts");
  return [...new Set([...(await awsRegions()), ...KNOWN_REGIONS])];
}
