import type { Command as Program } from "commander";
import { describeSubcommands } from "./runall/campaign-commands.ts";
import { describeOptions } from "./runall/runall-options.ts";
import type { CommandContext } from "./terminal/command.ts";
import { describeProgram } from "./tool/swarm-tool.ts";
import { describeWorker } from "./worker/swarm-worker.ts";

/** The command-line definitions of one program, from which its `--help` is printed. */
export interface ProgramDescription {
  program: Program;
  commands: readonly Program[];
}

/** Returns the command-line definitions of all programs, for documentation and tests: nothing is executed. */
export async function describePrograms(): Promise<ProgramDescription[]> {
  const { stdout, stderr } = process;
  const interrupt = new AbortController().signal;
  const context: CommandContext = { argv: [], interrupt, exitOnHangup: () => undefined, stdout, stderr };
  const ignore = (): void => undefined;
  const tool = describeProgram(context, ignore);
  return [
    { program: await describeOptions(context), commands: describeSubcommands(context, ignore).commands },
    { program: tool, commands: tool.commands },
    { program: describeWorker(context), commands: [] },
  ];
}
