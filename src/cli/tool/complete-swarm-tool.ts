import type { Command as Program } from "commander";
import {
  answerCompletion,
  commandsOf,
  optionsOf,
  swarmNames,
  type Candidate,
} from "../terminal/completion.ts";
import type { CommandContext } from "../terminal/command.ts";

/**
 * Prints completion candidates for `swarm-tool` and returns the exit code.
 * @param program command-line definition of swarm-tool.
 */
export function completeSwarmTool(context: CommandContext, program: Program): Promise<number> {
  return answerCompletion(context, "swarm-tool", async ([name, ...more], typed): Promise<Candidate[]> => {
    if (name === undefined) return [...commandsOf(program), ...optionsOf(program)];
    const command = program.commands.find((each) => each.name() === name || each.aliases().includes(name));
    if (command === undefined) return [];
    if (typed.startsWith("-")) return optionsOf(command);
    return more.some((word) => !word.startsWith("-")) ? [] : await swarmNames();
  });
}
