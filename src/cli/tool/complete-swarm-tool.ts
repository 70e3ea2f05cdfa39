import {
  answerCompletion,
  commandsOf,
  optionsOf,
  swarmNames,
  type Candidate,
} from "../terminal/completion.ts";
import type { CommandContext } from "../terminal/command.ts";
import { describeProgram } from "./swarm-tool.ts";

export function completeSwarmTool(context: CommandContext): Promise<number> {
  const program = describeProgram(context, () => undefined);
  return answerCompletion(context, "swarm-tool", async ([name, ...more], typed): Promise<Candidate[]> => {
    if (name === undefined) return [...commandsOf(program), ...optionsOf(program)];
    const command = program.commands.find((each) => each.name() === name || each.aliases().includes(name));
    if (command === undefined) return [];
    if (typed.startsWith("-")) return optionsOf(command);
    return more.some((word) => !word.startsWith("-")) ? [] : await swarmNames();
  });
}
