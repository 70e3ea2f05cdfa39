import { Command as Program, InvalidArgumentError, Option } from "commander";
import type { InitCommandOptions } from "./swarm-commands.ts";
import { EXIT, type Command, type CommandContext } from "./main.ts";
import type { DashboardCommandOptions } from "./dashboard.ts";
import { isCompletion } from "./completion.ts";
import { version } from "./version.ts";

/** Makes, halts, resumes and removes swarms. What a command needs is imported when it is called. */
export const swarmTool: Command = {
  name: "swarm-tool",
  async run(context) {
    if (isCompletion(context))
      return await (await import("./complete-swarm-tool.ts")).completeSwarmTool(context);
    let exitCode: number = EXIT.done;
    const program = describeProgram(context, (code) => (exitCode = code));
    await program.parseAsync([...context.argv], { from: "user" });
    return exitCode;
  },
};

const commands = () => import("./swarm-commands.ts");

/** Its commands as commander knows them. */
export function describeProgram(context: CommandContext, finish: (code: number) => void): Program {
  const { stdout, stderr } = context;
  const say = (text: string): void => void stdout.write(`${text}\n`);
  const program = new Program("swarm-tool")
    .description("Makes, halts, resumes and removes the swarms that runall-swarm uses.")
    .version(version(), "--version")
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride();
  program
    .command("init [name]")
    .description("make a swarm")
    .option("--local", "on this machine: needs redis-server and OMNeT++")
    .option("--runners <n>", "how many runs at once (default: one for each core)", positive)
    .option("--mongo", "keep results in the MongoDB that MONGO_URL or the file MONGO_URL_FILE names")
    .action(async (name: string | undefined, options: InitCommandOptions) => {
      await (await commands()).init(name, options, say);
    });
  program
    .command("status [name]")
    .description("show the swarms, their processes and queues")
    .option("--json", "as JSON")
    .action(async (name: string | undefined, options: { json?: true }) => {
      finish(await (await commands()).status(name, options, say));
    });
  program
    .command("halt [name]")
    .description("end the processes of a swarm and keep its data")
    .option("--force", "without a question when runs are being made")
    .action(async (name: string | undefined, options: { force?: true }) => {
      await (await commands()).halt(name, options, say);
    });
  program
    .command("resume [name]")
    .description("start a halted swarm again, and what has died of a running one")
    .action(async (name: string | undefined) => {
      await (await commands()).resume(name, say);
    });
  program
    .command("remove [name]")
    .alias("delete")
    .description("end a swarm and delete all that it keeps")
    .option("--force", "without a question when it still has runs or results")
    .action(async (name: string | undefined, options: { force?: true }) => {
      await (await commands()).remove(name, options, say);
    });
  program
    .command("dashboard [name]")
    .description("say where the dashboard of a swarm is, with the token that its buttons need")
    .option("--port <n>", "serve it there as well, until Ctrl-C; 0: any port that is free", port)
    .addOption(new Option("--background").hideHelp())
    .action(async (name: string | undefined, options: DashboardCommandOptions) => {
      await (await import("./dashboard.ts")).dashboard(name, options, context);
    });
  return program;
}

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new InvalidArgumentError("It must be a port, from 0 to 65535.");
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1024.");
}
