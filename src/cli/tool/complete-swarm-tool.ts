import type { Command as Program } from "commander";
import {
  answerCompletion,
  commandsOf,
  optionsOf,
  swarmNames,
  type Candidate,
} from "../terminal/completion.ts";
import type { CommandContext } from "../terminal/command.ts";

/** @param program swarm-tool's commands, as commander knows them. */
export function completeSwarmTool(context: CommandContext, program: Program): Promise<number> {
  return answerCompletion(context, "swarm-tool", async ([name, ...more], typed): Promise<Candidate[]> => {
    if (name === undefined) return [...commandsOf(program), ...optionsOf(program)];
    const command = program.commands.find((each) => each.name() === name || each.aliases().includes(name));
    if (command === undefined) return [];
    if (typed.startsWith("-")) return optionsOf(command);
    return more.some((word) => !word.startsWith("-")) ? [] : await swarmNames();
  });
}
