import { pipeline } from "node:stream/promises";
import { Command as Program, Option } from "commander";
import { runnersOption, serviceOptions, type ServiceFlags } from "./docker-options.ts";
import { awsInitOptions, type InitFlags } from "./init-options.ts";
import { wholeNumber } from "../terminal/whole-number.ts";
import { EXIT, type Command, type CommandContext } from "../terminal/command.ts";
import type { DashboardCommandOptions } from "./dashboard.ts";
import { isCompletion } from "../terminal/completion.ts";
import { version } from "../terminal/version.ts";
import type { ForceOptions } from "../swarm/provider-context.ts";
import type { RemoveOptions, ResumeFlags } from "./swarm-commands.ts";
import type { Io } from "./io.ts";
import { printable } from "../terminal/printable.ts";

/** Creates and manages swarms. The modules of a command are imported when it is called. */
export const swarmTool: Command = {
  name: "swarm-tool",
  async run(context) {
    if (isCompletion(context)) {
      const { completeSwarmTool } = await import("./complete-swarm-tool.ts");
      return await completeSwarmTool(
        context,
        describeProgram(context, () => undefined),
      );
    }
    let exitCode: number = EXIT.done;
    const program = describeProgram(context, (code) => (exitCode = code));
    await program.parseAsync([...context.argv], { from: "user" });
    return exitCode;
  },
};

const commands = () => import("./swarm-commands.ts");
const workers = wholeNumber(0, 100);

/** Returns the command-line definition of `swarm-tool`. @param finish receives the exit code. */
export function describeProgram(context: CommandContext, finish: (code: number) => void): Program {
  const { stdout, stderr, interrupt } = context;
  const io: Io = {
    say: (text) => void stdout.write(`${printable(text)}\n`),
    note: (text) => void stderr.write(`${printable(text)}\n`),
    interrupt,
  };
  const program = new Program("swarm-tool")
    .description("Create and manage the swarms that runall-swarm uses.")
    .version(version(), "--version")
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride();
  program.commandsGroup("Manage swarms:");
  awsInitOptions(
    program
      .command("init [name]")
      .description("create a swarm on AWS, on a Docker Swarm, or on this machine"),
  ).action(async (name: string | undefined, flags: InitFlags) => {
    await (await commands()).init(name, flags, io);
  });
  program
    .command("status [name]")
    .description("show swarms with their machines, processes, queues and costs")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, options: { json?: true }) => {
      finish(await (await commands()).status(name, options, io));
    });
  program
    .command("halt [name]")
    .description("shut down the machines or processes of a swarm, keeping its data")
    .option("--force", "do not ask for confirmation while runs are executing")
    .option("--yes", "same as --force")
    .action(async (name: string | undefined, options: ForceOptions) => {
      await (await commands()).halt(name, options, io);
    });
  program
    .command("resume [name]")
    .description("start a halted swarm, or restart dead processes of a running one")
    .option("--workers <n>", "on AWS: number of workers (default: as before)", workers)
    .option("--take-over", "take over NAME@MACHINE, whose machine no longer exists or was renamed")
    .action(async (name: string | undefined, options: ResumeFlags) => {
      await (await commands()).resume(name, options, io);
    });
  program
    .command("remove [name]")
    .alias("delete")
    .description("stop a swarm and delete all its data")
    .option("--force", "do not ask for confirmation if it still has runs or results")
    .option("--yes", "same as --force")
    .option("--forget", "forget a swarm whose Docker Swarm or machine no longer exists")
    .action(async (name: string | undefined, options: RemoveOptions) => {
      await (await commands()).remove(name, options, io);
    });
  program
    .command("dashboard [name]")
    .description("print the address of a swarm's dashboard, with its access token")
    .option(
      "--port <n>",
      "also serve it on this port until Ctrl-C (0: any free port)",
      wholeNumber(0, 65_535),
    )
    .addOption(new Option("--background").hideHelp())
    .action(async (name: string | undefined, options: DashboardCommandOptions) => {
      await (await import("./dashboard.ts")).dashboard(name, options, context);
    });
  describeAwsCommands(program, io, finish, stdout);
  return program;
}

/** Adds the commands for swarms on AWS and Docker, and those for setup. */
function describeAwsCommands(
  program: Program,
  io: Io,
  finish: (code: number) => void,
  stdout: CommandContext["stdout"],
): void {
  program.commandsGroup("Swarms on AWS and Docker:");
  program
    .command("scale <workers> [name]")
    .description("change the number of workers of a swarm on AWS")
    .action(async (text: string, name: string | undefined) => {
      await (await commands()).scale(name, workers(text), io);
    });
  program
    .command("connect [name]")
    .description("open the connection to a swarm: a tunnel to AWS, or a relay to Docker")
    .option("--ssh-cidr <range>", "also allow SSH to the manager from these addresses, e.g. 203.0.113.7/32")
    .action(async (name: string | undefined, options: { sshCidr?: string }) => {
      await (await commands()).connect(name, options, io);
    });
  program
    .command("disconnect [name]")
    .description("close the connection; the swarm keeps running")
    .action(async (name: string | undefined) => {
      await (await commands()).disconnect(name, io);
    });
  runnersOption(
    serviceOptions(program.command("deploy [name]").description("deploy or update the services of a swarm")),
  ).action(async (name: string | undefined, flags: ServiceFlags) => {
    await (await commands()).deploy(name, flags, io);
  });
  program.commandsGroup("Setup:");
  program
    .command("context")
    .description("print the docker build context as a tar archive")
    .action(async () => {
      const { buildContext } = await import("../../providers/docker/context.ts");
      await pipeline(buildContext(), stdout, { end: false });
    });
  program
    .command("relay <name> <ports...>", { hidden: true })
    .action(async (name: string, ports: string[]) => {
      await (await import("./relay.ts")).relayTo(name, ports, io);
    });
  program
    .command("policy")
    .description("print the IAM policy that a user of swarm-tool needs on AWS")
    .option("--account <number>", "AWS account (default: account of the credentials)")
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .action(async (options: { account?: string; profile?: string }) => {
      await (await import("./aws-commands.ts")).printPolicy(options, io);
    });
  program
    .command("doctor")
    .description("check the requirements of swarms and print how to meet them")
    .option("--region <name>", "AWS region (default: as configured for AWS)")
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .action(async (options: { region?: string; profile?: string }) => {
      finish(await (await import("./doctor.ts")).doctor(options, io));
    });
}
