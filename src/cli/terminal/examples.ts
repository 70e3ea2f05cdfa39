import type { Command as Program } from "commander";

/** Adds examples to the end of a command's help. Each is a command line, and may end with a comment. */
export function withExamples(command: Program, ...lines: readonly string[]): Program {
  return command.addHelpText("after", ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n"));
}
